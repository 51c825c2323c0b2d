import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Access } from './access';
import { App } from './app';
import { Parent } from './embedding/parent';
import type { FromServer, Limits, Reason, Role, SessionState } from './session/messages';
import type { StreamWatcher } from './stream/stream';
import type { View } from './view';

/** The stream of the page under test, for which a test speaks. */
const stream = vi.hoisted((): { watcher: unknown; connects: number; renews: number } => ({
    watcher: null,
    connects: 0,
    renews: 0
}));

vi.mock('./stream/stream', () => ({
    Stream: class {
        readonly library = { webRtcController: { videoPlayer: { getVideoElement: () => ({}) } } };
        readonly sound = { on: true, waits: false, available: true };

        constructor(_stage: unknown, watcher: unknown) {
            stream.watcher = watcher;
        }

        connect(): void {
            stream.connects++;
        }

        renew(): void {
            stream.renews++;
        }

        apply(): void {
            // A setting of the library's.
        }
    }
}));
vi.mock('./stream/keys', () => ({ ruleKeys: () => undefined }));
vi.mock('./reporting', () => ({
    Reporting: class {
        firstFrame(): void {
            // Told to nobody.
        }
    }
}));
vi.mock('./surroundings', () => ({
    fullscreenState: () => 'off',
    hasTouch: () => false,
    wantsTurning: () => false,
    watchSurroundings: () => undefined
}));

let view: View | null;
let kept: unknown;

beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal('window', { RTCPeerConnection: null, isSecureContext: true });
    vi.stubGlobal('navigator', { languages: ['en'] });
    vi.stubGlobal('location', { href: 'https://play.example.com/' });
    vi.stubGlobal('document', { documentElement: { dataset: {} } });
    Object.assign(stream, { connects: 0, renews: 0 });
    view = null;
    kept = { ticket: 'T', session: 's' };
});

afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
});

function watcher(): StreamWatcher {
    return stream.watcher as StreamWatcher;
}

function tell(state: SessionState): void {
    watcher().announced({ type: 'sessionState', state });
}

function failed(reason: 'session_over' | 'paused'): SessionState {
    return { state: 'failed', reason, message: '', retry: true };
}

/** A page that hands in the ticket of the one before it. */
function returning(): App {
    const access = {
        loggedIn: false,
        service: () => ({ url: 'wss://play.example.com/ws', protocols: () => [], ticket: kept }),
        keep: (ticket: unknown) => {
            kept = ticket;
        }
    };
    const stage = { setAttribute: () => undefined, focus: () => undefined } as unknown as HTMLElement;
    const app = new App({ stage, interface: stage }, access as unknown as Access, (shown) => {
        view = shown;
    });
    app.start(false);
    return app;
}

/** The service closes the connection. */
function finish(): void {
    watcher().finished('told', '');
    vi.advanceTimersByTime(10);
}

describe('a page whose role was handed over', () => {
    const limits = (role: Role): Limits => ({ role, graceSeconds: 30, maxSeconds: null, idleSeconds: null });
    const players = (mine: Role): FromServer => ({
        type: 'sessionPlayers',
        you: 'a',
        players: [{ player: 'a', role: mine, connected: true }]
    });

    it('asks for a new offer once', () => {
        returning();
        tell({ state: 'ready', limits: limits('spectator') });
        watcher().announced(players('owner'));
        watcher().announced(players('owner'));
        expect(stream.renews).toBe(1);
        tell({ state: 'ready', limits: limits('owner') });
        watcher().announced(players('owner'));
        expect(stream.renews).toBe(1);
    });

    it('asks for none where it came back and has one for that role', () => {
        returning();
        tell({ state: 'ready', limits: limits('spectator') });
        watcher().announced(players('spectator'));
        tell({ state: 'ready', limits: limits('owner') });
        expect(stream.renews).toBe(0);
    });
});

describe('a page in a frame', () => {
    it('tells the page around it how far its session is, also when that says hello late', () => {
        const around = { posted: [] as unknown[], hello: (): void => undefined };
        const window = {
            postMessage: (message: unknown): void => {
                around.posted.push(message);
            }
        } as unknown as Window;
        const app = returning();
        const parent = new Parent(
            {
                parent: window,
                origin: 'https://play.example.com',
                listen: (listener) => {
                    around.hello = (): void => {
                        const data = { type: 'pixel:hello', version: 1 };
                        listener({ source: window, origin: 'https://shop.example.com', data });
                    };
                }
            },
            (message) => {
                app.hear(message);
            }
        );
        app.adopt(parent);
        parent.allow(['https://shop.example.com']);
        tell(failed('paused'));
        expect(around.posted).toEqual([]);
        around.hello();
        expect(around.posted).toMatchObject([
            { type: 'pixel:ready' },
            { type: 'pixel:state', state: 'over', reason: 'paused' }
        ]);
    });
});

describe('a page that comes back', () => {
    it('starts anew by itself where its session is over, and once', () => {
        returning();
        tell(failed('session_over'));
        expect(view?.session.stage.kind).toBe('connecting');
        finish();
        expect([stream.connects, kept]).toEqual([2, null]);
        tell(failed('session_over'));
        finish();
        expect(stream.connects).toBe(2);
        expect(view?.session.stage).toMatchObject({ kind: 'over', end: { reason: 'session_over' } });
    });

    it.each<[Reason, SessionState]>([
        ['paused', failed('paused')],
        ['time_limit', { state: 'ended', reason: 'time_limit', message: '' }]
    ])('says why nothing comes of it, and leaves it to the visitor to try again: %s', (reason, state) => {
        returning();
        tell(state);
        finish();
        expect(stream.connects).toBe(1);
        expect(view?.session.stage).toMatchObject({ kind: 'over', end: { reason } });
    });
});
