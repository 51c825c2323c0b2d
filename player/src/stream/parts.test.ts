import { describe, expect, it } from 'vitest';
import { ACTIVITY_SECONDS, NO_ACTIVITY, noteActivity } from './activity';
import { NO_MEDIA, watchMedia, type MediaEffect, type MediaHappening } from './media-health';
import { figuresOf, statisticsOf, verdictOf, type Figures } from './statistics';
import { typed } from './typing';

function reports(seconds: number, more: Record<string, unknown> = {}): Record<string, unknown>[] {
    return [
        {
            type: 'inbound-rtp',
            kind: 'video',
            timestamp: seconds * 1000,
            framesPerSecond: 30,
            frameWidth: 1280,
            frameHeight: 720,
            jitter: 0.004,
            bytesReceived: seconds * 500_000,
            packetsLost: seconds,
            packetsReceived: seconds * 99,
            freezeCount: 2,
            totalFreezesDuration: 0.5,
            ...more
        },
        { type: 'inbound-rtp', kind: 'audio', bytesReceived: 0, packetsLost: 0, packetsReceived: 0 },
        { type: 'transport', selectedCandidatePairId: 'P' },
        { id: 'P', type: 'candidate-pair', currentRoundTripTime: 0.02, localCandidateId: 'L' },
        {
            id: 'L',
            type: 'local-candidate',
            candidateType: 'relay',
            protocol: 'udp',
            relayProtocol: 'tls',
            address: '192.0.2.7',
            url: 'turns:turn.example.com:5349?transport=tcp'
        }
    ];
}

function figures(seconds: number, before: Figures | null = null): Figures {
    const found = figuresOf(reports(seconds), before);
    if (found === null) {
        throw new Error('no figures');
    }
    return found;
}

describe('statistics', () => {
    it('are nothing before there is video', () => {
        expect(figuresOf([{ type: 'transport' }], null)).toBeNull();
    });

    it('have rates from the second reading on', () => {
        const first = figures(1);
        expect([first.bitrate, first.loss]).toEqual([null, null]);
        const second = figures(2, first);
        expect(second.bitrate).toBeCloseTo(4_000_000);
        expect(second.loss).toBeCloseTo(0.01);
        expect(figures(1, second).bitrate, 'a new peer connection counts anew').toBeNull();
    });

    it('name the relay and the way to it', () => {
        expect(statisticsOf(figures(1), 1.5)).toEqual({
            framesPerSecond: 30,
            roundTripSeconds: 0.02,
            jitterSeconds: 0.004,
            packetsLost: 1,
            packetsReceived: 99,
            freezes: 2,
            freezeSeconds: 0.5,
            firstFrameSeconds: 1.5,
            candidateType: 'relay',
            protocol: 'tls',
            turn: '192.0.2.7'
        });
        const hidden = reports(1).map((each) => ({ ...each, address: undefined }));
        expect(figuresOf(hidden, null)?.turn).toBe('turn.example.com');
    });

    it('find a direct way where the browser has no transport report', () => {
        const firefox = reports(1)
            .filter((each) => each['type'] !== 'transport')
            .map((each) => ({ ...each, selected: true, ...(each['id'] === 'L' ? { candidateType: 'host' } : {}) }));
        expect(figuresOf(firefox, null)).toMatchObject({ candidateType: 'host', protocol: 'udp', turn: null });
    });

    it('leave out what the browser does not tell', () => {
        const bare = figuresOf([{ type: 'inbound-rtp', kind: 'video', packetsLost: -3 }], null);
        expect(bare && statisticsOf(bare, null)).toEqual({
            packetsLost: 0,
            packetsReceived: 0,
            freezes: 0,
            freezeSeconds: 0
        });
    });

    it('come to the verdict of the worst figure', () => {
        const good = { ...figures(2, figures(1)), loss: 0 };
        expect(verdictOf(good)).toBe('good');
        expect(verdictOf({ ...good, roundTripSeconds: 0.15 })).toBe('fair');
        expect(verdictOf({ ...good, roundTripSeconds: 0.15, loss: 0.2 })).toBe('poor');
    });
});

describe('media', () => {
    function run(...happenings: MediaHappening[]): MediaEffect['do'][] {
        let health = NO_MEDIA;
        return happenings.flatMap((happening) => {
            const [next, effects] = watchMedia(health, happening);
            health = next;
            return effects.map((effect) => effect.do);
        });
    }
    const offered: MediaHappening = { kind: 'offered' };
    const state = (name: RTCPeerConnectionState): MediaHappening => ({ kind: 'state', state: name });

    it('stands once it is connected', () => {
        expect(run(offered, state('connecting'), state('connected'), { kind: 'due' })).toEqual([
            'wait',
            'rest',
            'standing'
        ]);
    });

    it('may be silent for a moment', () => {
        const silent = [offered, state('connected'), state('disconnected')];
        expect(run(...silent, state('connected')).slice(3)).toEqual(['wait', 'rest', 'standing']);
        expect(run(...silent, { kind: 'due' }).slice(3)).toEqual(['wait', 'rest', 'standing', 'renew']);
    });

    it('is asked for anew, and given up sooner where it never came', () => {
        const never = run(offered, state('failed'), offered, state('failed'));
        expect(never.filter((name) => ['renew', 'fail'].includes(name))).toEqual(['renew', 'fail']);
        const played: MediaHappening[] = [offered, state('connected'), { kind: 'frame' }];
        const failing = [state('failed'), offered, state('failed'), offered, state('failed'), offered, state('failed')];
        const after = run(...played, ...failing);
        expect(after.filter((name) => ['renew', 'fail'].includes(name))).toEqual(['renew', 'renew', 'renew', 'fail']);
        expect(
            run(...played, state('failed'), ...played, state('failed')).at(-1),
            'a picture starts the count anew'
        ).toBe('renew');
    });

    it('counts each peer connection once, whatever is heard of it after another was asked for', () => {
        const late = [state('failed'), state('connected'), state('disconnected'), state('failed')];
        expect(run(offered, { kind: 'due' }, ...late)).toEqual(['wait', 'rest', 'standing', 'renew']);
        const replaced: MediaHappening = { kind: 'replaced' };
        expect(run(offered, state('connected'), replaced, ...late).slice(3)).toEqual(['rest', 'standing']);
        expect(run(offered, replaced, offered, state('connected')).slice(3)).toEqual(['wait', 'rest', 'standing']);
    });

    it('that never connects is not waited for for ever', () => {
        expect(run(offered, { kind: 'due' }).at(-1)).toBe('renew');
    });
});

describe('activity', () => {
    it('is told at once, then in steps, and the last one is not forgotten', () => {
        const [first, told] = noteActivity(NO_ACTIVITY, true, 0);
        expect(told).toBe(true);
        const [second, toldAgain] = noteActivity(first, true, 1000);
        expect([toldAgain, second.pending]).toEqual([false, true]);
        expect(noteActivity(second, false, ACTIVITY_SECONDS * 1000)[1]).toBe(true);
        expect(noteActivity(first, false, 60_000)[1]).toBe(false);
    });
});

describe('typing', () => {
    it.each([
        ['', 'a', 0, 'a'],
        ['ab', 'a', 1, ''],
        ['teh', 'the', 2, 'he'],
        ['word', 'word', 0, ''],
        ['abc', '', 3, ''],
        ['a😀', 'a', 1, ''],
        ['a😀', 'a😁', 1, '😁']
    ])('%j to %j', (before, after, backspaces, text) => {
        expect(typed(before, after)).toEqual({ backspaces, text });
    });
});
