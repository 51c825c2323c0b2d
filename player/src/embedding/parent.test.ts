import { describe, expect, it } from 'vitest';
import type { FromPage, ToPage } from './contract';
import { embeddedState, Parent, redirectLink, type Frame } from './parent';
import { INITIAL, type End, type Session, type Stage } from '../state';

const ALLOWED = 'https://www.example.com';
const PAGE = 'https://play.example.com/?app=demo';

class FakeFrame implements Frame {
    readonly origin = 'https://play.example.com';
    readonly posted: [FromPage, string][] = [];
    readonly parent = {
        postMessage: (message: FromPage, origin: unknown): void => {
            this.posted.push([message, String(origin)]);
        }
    } as unknown as Frame['parent'];
    listener: Parameters<Frame['listen']>[0] = () => undefined;

    listen(listener: Parameters<Frame['listen']>[0]): void {
        this.listener = listener;
    }

    say(data: unknown, origin = ALLOWED, source: unknown = this.parent): void {
        this.listener({ data, origin, source: source as Window });
    }
}

function framed(allowed: readonly string[] | null = [ALLOWED]): { frame: FakeFrame; parent: Parent; heard: ToPage[] } {
    const frame = new FakeFrame();
    const heard: ToPage[] = [];
    const parent = new Parent(frame, (message) => heard.push(message));
    if (allowed !== null) {
        parent.allow(allowed);
    }
    return { frame, parent, heard };
}

const HELLO = { type: 'pixel:hello', version: 1, token: 'T' };

function at(stage: Stage): Session {
    return { ...INITIAL, stage };
}

describe('the page around this one', () => {
    it('is answered once it has said hello', () => {
        const { frame, parent, heard } = framed();
        parent.tell({ type: 'pixel:message', text: 'too early' });
        frame.say(HELLO);
        expect(heard).toEqual([HELLO]);
        parent.tell({ type: 'pixel:message', text: 'x' });
        expect(frame.posted).toEqual([
            [{ type: 'pixel:ready', version: 1 }, ALLOWED],
            [{ type: 'pixel:message', text: 'x' }, ALLOWED]
        ]);
    });

    it("must be of an origin that the stack names, or this page's own", () => {
        const { frame, heard } = framed();
        frame.say(HELLO, 'https://evil.example');
        frame.say(HELLO, 'null');
        frame.say(HELLO, ALLOWED, { another: 'window' });
        frame.say('text');
        frame.say({ type: 'other:hello' });
        expect([heard, frame.posted]).toEqual([[], []]);
        frame.say(HELLO, frame.origin);
        expect(heard).toHaveLength(1);
    });

    it('must say hello before anything else', () => {
        const { frame, heard } = framed();
        frame.say({ type: 'pixel:end' });
        expect(heard).toEqual([]);
    });

    it("is heard even if it was quicker than the stack's configuration", () => {
        const { frame, parent, heard } = framed(null);
        frame.say(HELLO);
        frame.say(HELLO, 'https://evil.example');
        expect(heard).toEqual([]);
        parent.allow([ALLOWED]);
        expect(heard).toEqual([HELLO]);
    });

    it('hears of each state once', () => {
        const { frame, parent } = framed();
        frame.say(HELLO);
        const queued = at({ kind: 'queued', position: 2, estimateSeconds: 30 });
        parent.tellState(queued, PAGE);
        parent.tellState({ ...queued, lost: true }, PAGE);
        expect(frame.posted.slice(1).map(([message]) => message)).toEqual([
            { type: 'pixel:state', state: 'queued', position: 2, estimateSeconds: 30 }
        ]);
    });

    it('is told where to go on', () => {
        const { frame, parent } = framed();
        frame.say(HELLO);
        parent.tellState(
            at({ kind: 'over', end: { kind: 'redirect', url: 'https://play-jp.example.com/', ticket: 'T' } }),
            PAGE
        );
        expect(frame.posted.at(-1)?.[0]).toEqual({
            type: 'pixel:redirect',
            url: 'https://play-jp.example.com/?app=demo#ticket=T'
        });
        expect(redirectLink('https://play-jp.example.com/?app=x', 'T', PAGE)).toContain('?app=x#');
    });
});

describe('a session as it is told', () => {
    it.each<[End, object]>([
        [
            { kind: 'ended', reason: 'idle', message: 'm' },
            { reason: 'idle', message: 'm', login: false }
        ],
        [
            { kind: 'failed', reason: 'login_required', message: '', retry: false },
            { reason: 'login_required', login: true }
        ],
        [{ kind: 'closed', cause: 'lost', message: '' }, { reason: 'lost' }],
        [
            { kind: 'closed', cause: 'refused', message: 'full' },
            { reason: null, message: 'full' }
        ],
        [{ kind: 'media', played: false }, { reason: 'media' }],
        [{ kind: 'left' }, { reason: 'left' }]
    ])('%j', (end, told) => {
        expect(embeddedState(at({ kind: 'over', end }))).toMatchObject({ state: 'over', ...told });
    });

    it('has the role of who plays', () => {
        const limits = { role: 'spectator', graceSeconds: 1, maxSeconds: null, idleSeconds: null } as const;
        expect(embeddedState({ ...at({ kind: 'playing' }), limits })).toEqual({ state: 'playing', role: 'spectator' });
    });
});
