import { describe, expect, it } from 'vitest';
import type { FromServer, SessionState } from './session/messages';
import { INITIAL, next, others, roleChanged, roleOf, type Happening, type Session } from './state';

const LIMITS = { role: 'owner', graceSeconds: 30, maxSeconds: 3600, idleSeconds: 300 } as const;

function told(state: SessionState): Happening {
    return { kind: 'message', message: { type: 'sessionState', state } };
}

function message(said: FromServer): Happening {
    return { kind: 'message', message: said };
}

function after(...happenings: Happening[]): Session {
    return happenings.reduce((session, happening) => next(session, happening, 1000), INITIAL);
}

const QUEUED = told({ state: 'queued', position: 2, estimateSeconds: 40 });
const READY = told({ state: 'ready', limits: LIMITS });
const PLAYING: Happening[] = [
    { kind: 'connect' },
    QUEUED,
    told({ state: 'starting' }),
    READY,
    { kind: 'offer' },
    { kind: 'frame' }
];

describe('a session', () => {
    it('goes from the queue to the picture', () => {
        const stages = PLAYING.map((_, index) => after(...PLAYING.slice(0, index + 1)).stage.kind);
        expect(stages).toEqual(['connecting', 'queued', 'starting', 'starting', 'starting', 'playing']);
    });

    it('starts step by step and never back, but for another instance', () => {
        const connected: Happening[] = [{ kind: 'connect' }, { kind: 'offer' }, { kind: 'connected' }];
        expect(after(...connected, { kind: 'offer' }).stage).toEqual({ kind: 'starting', step: 'media' });
        expect(after(...connected, told({ state: 'starting' })).stage).toEqual({ kind: 'starting', step: 'instance' });
        expect(after(...connected, QUEUED).stage.kind).toBe('queued');
    });

    it('shows nothing of an instance that is gone, at the end or in the queue for another', () => {
        const ending = told({ state: 'ending', reason: 'maintenance', seconds: 60 });
        const wanted: Happening = { kind: 'text-wanted', contents: 'a' };
        const before = [...PLAYING, ending, wanted, { kind: 'mending' }] as const;
        for (const end of [QUEUED, told({ state: 'ended', reason: 'maintenance', message: '' })]) {
            expect(after(...before, end)).toMatchObject({ mending: false, warning: null, textWanted: null });
        }
        expect(after(...before, QUEUED).stage.kind).toBe('queued');
    });

    it('goes on playing while its connection is mended', () => {
        const lost = after(...PLAYING, { kind: 'lost' });
        expect([lost.stage.kind, lost.lost]).toEqual(['playing', true]);
        expect(after(...PLAYING, { kind: 'lost' }, { kind: 'back' }).lost).toBe(false);
        expect(after(...PLAYING, { kind: 'mending' }, { kind: 'frame' }).mending).toBe(false);
    });

    it('says why it ended even when the connection closes afterwards', () => {
        const ended = told({ state: 'ended', reason: 'idle', message: '' });
        const session = after(...PLAYING, ended, { kind: 'finished', cause: 'told', message: '' });
        expect(session.stage).toEqual({ kind: 'over', end: { kind: 'ended', reason: 'idle', message: '' } });
    });

    it('has ended, not failed to start, when an instance dies under the picture', () => {
        const failed = told({ state: 'failed', reason: 'instance_failed', message: '', retry: true });
        expect(after(...PLAYING, failed).stage).toMatchObject({ end: { kind: 'ended', reason: 'instance_failed' } });
        expect(after({ kind: 'connect' }, failed).stage).toMatchObject({ end: { kind: 'failed' } });
    });

    it('forgets everything when a new attempt begins', () => {
        const session = after(...PLAYING, { kind: 'media-failed' }, { kind: 'connect' });
        expect(session).toEqual({ ...INITIAL, stage: { kind: 'connecting' } });
    });

    it('tells whether media ever came', () => {
        expect(after(...PLAYING, { kind: 'media-failed' }).stage).toMatchObject({ end: { played: true } });
        expect(after({ kind: 'connect' }, { kind: 'media-failed' }).stage).toMatchObject({ end: { played: false } });
    });
});

describe('a warning', () => {
    const ending = told({ state: 'ending', reason: 'idle', seconds: 60 });

    it('has an end', () => {
        expect(after(...PLAYING, ending).warning).toEqual({ reason: 'idle', until: 61_000 });
    });

    it('no longer holds once the service is ready again', () => {
        expect(after(...PLAYING, ending, READY).warning).toBeNull();
    });
});

describe('the others', () => {
    const players = (mine: 'owner' | 'spectator', connected = true): Happening =>
        message({
            type: 'sessionPlayers',
            you: 'a',
            players: [
                { player: 'a', role: mine, connected: true },
                { player: 'b', role: mine === 'owner' ? 'spectator' : 'owner', connected }
            ]
        });
    const request = message({ type: 'sessionControlRequested', player: 'b' });

    it('count while they are connected', () => {
        expect(others(after(...PLAYING, players('owner')))).toHaveLength(1);
        expect(others(after(...PLAYING, players('owner', false)))).toHaveLength(0);
    });

    it('ask for control until they are gone, answered, or have it', () => {
        expect(after(...PLAYING, players('owner'), request).request).toBe('b');
        expect(after(...PLAYING, players('owner'), request, players('owner', false)).request).toBeNull();
        expect(after(...PLAYING, players('owner'), request, { kind: 'request-answered' }).request).toBeNull();
        expect(after(...PLAYING, players('owner'), request, players('spectator')).request).toBeNull();
    });

    it('change the role, for which media is negotiated anew', () => {
        expect(roleChanged(after(...PLAYING, players('owner')))).toBe(false);
        const handed = after(...PLAYING, players('spectator'));
        expect([roleOf(handed), roleChanged(handed)]).toEqual(['spectator', true]);
        const again = told({ state: 'resumed', limits: { ...LIMITS, role: 'spectator' } });
        expect(roleChanged(after(...PLAYING, players('spectator'), again))).toBe(false);
    });

    it('had the role handed over while this player was away: what it comes back as counts', () => {
        const back = told({ state: 'ready', limits: { ...LIMITS, role: 'spectator' } });
        const session = after(...PLAYING, players('owner'), { kind: 'lost' }, { kind: 'back' }, back);
        expect([roleOf(session), roleChanged(session)]).toEqual(['spectator', false]);
    });

    it('get an invitation that ends', () => {
        const invited = message({ type: 'sessionInvitation', ticket: 'K', role: 'spectator', seconds: 60 });
        expect(after(...PLAYING, invited).invitation).toEqual({ ticket: 'K', role: 'spectator', until: 61_000 });
    });
});
