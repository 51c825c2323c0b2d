import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ResumableSocket, type Surroundings, type Watcher } from './resumable-socket';

/** A browser's WebSocket that a test speaks for. */
class FakeSocket {
    onopen: (() => void) | null = null;
    onmessage: ((event: { data: unknown }) => void) | null = null;
    onclose: ((event: { code: number; reason: string }) => void) | null = null;
    readonly sent: string[] = [];
    closed: number | null = null;

    constructor(readonly protocols: readonly string[]) {}

    send(data: string): void {
        this.sent.push(data);
    }

    close(code: number): void {
        this.closed = code;
    }
}

class FakeBrowser implements Surroundings {
    readonly sockets: FakeSocket[] = [];
    timers: (() => void)[] = [];
    network: () => void = () => undefined;
    listening = false;

    connect(_url: string, protocols: readonly string[]): WebSocket {
        this.sockets.push(new FakeSocket(protocols));
        return this.last as unknown as WebSocket;
    }

    now(): number {
        return 0;
    }

    random(): number {
        return 0.5;
    }

    after(_milliseconds: number, callback: () => void): () => void {
        this.timers = [callback];
        return () => {
            this.timers = [];
        };
    }

    listen(network: () => void): () => void {
        this.network = network;
        this.listening = true;
        return () => {
            this.listening = false;
        };
    }

    get last(): FakeSocket {
        const socket = this.sockets.at(-1);
        if (socket === undefined) {
            throw new Error('nothing has connected');
        }
        return socket;
    }

    async say(message: object): Promise<void> {
        this.last.onmessage?.({ data: JSON.stringify(message) });
        await Promise.resolve();
        await Promise.resolve();
    }
}

let browser: FakeBrowser;
let watcher: Record<keyof Watcher, ReturnType<typeof vi.fn>>;

beforeEach(() => {
    browser = new FakeBrowser();
    watcher = { announced: vi.fn(), lost: vi.fn(), back: vi.fn(), renewed: vi.fn(), finished: vi.fn() };
    vi.stubGlobal(
        'CloseEvent',
        class extends Event {
            readonly code: number;
            constructor(kind: string, { code }: { code: number }) {
                super(kind);
                this.code = code;
            }
        }
    );
});

afterEach(() => {
    vi.unstubAllGlobals();
});

function made(): {
    socket: ResumableSocket;
    opened: () => number;
    got: string[];
    codes: number[];
} {
    const service = {
        url: 'wss://x.example/ws',
        ticket: null,
        protocols: (own: string | null) => [own ?? 'new']
    };
    const socket = new ResumableSocket(service, watcher as unknown as Watcher, browser);
    const got: string[] = [];
    const codes: number[] = [];
    let opens = 0;
    socket.onopen = (): void => {
        opens++;
    };
    socket.onmessage = (event): void => {
        got.push(String(event.data));
    };
    socket.onclose = (event): void => {
        codes.push(event.code);
    };
    return { socket, opened: () => opens, got, codes };
}

describe('the socket of the library', () => {
    it('stays open while the sockets beneath it go', async () => {
        const { socket, opened, got } = made();
        expect(socket.readyState).toBe(0);
        browser.last.onopen?.();
        await browser.say({ type: 'config' });
        await browser.say({ type: 'sessionTicket', ticket: 'T', session: 's' });
        socket.standing(true);
        const first = browser.last;
        first.onclose?.({ code: 1006, reason: '' });
        expect(socket.readyState).toBe(1);
        expect(watcher.lost).toHaveBeenCalledOnce();
        browser.timers[0]?.();
        expect(browser.sockets.map(({ protocols }) => protocols)).toEqual([['new'], ['T']]);
        browser.last.onopen?.();
        expect(browser.last.sent).toEqual(['{"type":"sessionResume","ticket":"T","fresh":false}']);
        await browser.say({ type: 'sessionState', state: 'resumed', role: 'owner', graceSeconds: 30 });
        expect(watcher.back).toHaveBeenCalledOnce();
        expect([opened(), got]).toEqual([1, ['{"type":"config"}']]);
    });

    it('hears nothing more of a socket that was given up', async () => {
        const { socket, got } = made();
        browser.last.onopen?.();
        await browser.say({ type: 'sessionTicket', ticket: 'T', session: 's' });
        socket.standing(true);
        const first = browser.last;
        browser.network();
        expect(first.closed).toBe(1000);
        first.onmessage?.({ data: '{"type":"offer"}' });
        first.onclose?.({ code: 1000, reason: '' });
        await Promise.resolve();
        expect(got).toEqual([]);
        expect(watcher.finished).not.toHaveBeenCalled();
    });

    it('says nothing any more once another takes its place', async () => {
        const { socket, got, codes } = made();
        browser.last.onopen?.();
        await browser.say({ type: 'sessionState', state: 'ended', reason: 'idle', message: '' });
        const told = watcher.announced.mock.calls.length;
        socket.abandon();
        expect([browser.last.closed, browser.timers, browser.listening]).toEqual([1000, [], false]);
        await browser.say({ type: 'offer' });
        browser.last.onclose?.({ code: 1012, reason: 'late' });
        socket.close(1000);
        expect([got, codes, watcher.announced.mock.calls.length]).toEqual([[], [], told]);
        expect(watcher.finished).not.toHaveBeenCalled();
    });

    it('reads binary frames too', async () => {
        const { got } = made();
        browser.last.onopen?.();
        browser.last.onmessage?.({ data: new Blob(['{"type":"pong"}']) });
        await vi.waitFor(() => {
            expect(got).toEqual(['{"type":"pong"}']);
        });
    });

    it('ends in a way after which the library does not come again', () => {
        const { socket, codes } = made();
        browser.last.onopen?.();
        browser.last.onclose?.({ code: 1011, reason: 'gone' });
        expect(codes).toEqual([1001]);
        expect(watcher.finished).toHaveBeenCalledWith('refused', 1011, 'gone');
        expect(socket.readyState).toBe(3);
        expect([browser.timers, browser.listening]).toEqual([[], false]);
    });
});
