import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ResumableSocket, type Surroundings, type Watcher } from './resumable-socket';

/** A browser's WebSocket that a test speaks for. */
class FakeSocket {
    onopen: (() => void) | null = null;
    onmessage: ((event: { data: unknown }) => void) | null = null;
    onclose: ((event: { code: number; reason: string }) => void) | null = null;
    readonly sent: string[] = [];
    closed: number | null = null;
    binaryType = 'blob';
    private open = false;

    constructor(readonly protocols: readonly string[]) {}

    opens(): void {
        this.open = true;
        this.onopen?.();
    }

    send(data: string): void {
        if (!this.open) {
            throw new DOMException('Still in CONNECTING state', 'InvalidStateError');
        }
        this.sent.push(data);
    }

    /** A frame of bytes, in the form that is asked for. */
    sayBytes(text: string): void {
        const bytes = new TextEncoder().encode(text).buffer;
        this.onmessage?.({ data: this.binaryType === 'blob' ? new Blob([bytes]) : bytes });
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

    say(message: object): void {
        this.last.onmessage?.({ data: JSON.stringify(message) });
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
    it('stays open while the sockets beneath it go', () => {
        const { socket, opened, got } = made();
        expect(socket.readyState).toBe(0);
        browser.last.opens();
        browser.say({ type: 'config' });
        browser.say({ type: 'sessionTicket', ticket: 'T', session: 's' });
        socket.standing(true);
        const first = browser.last;
        first.onclose?.({ code: 1006, reason: '' });
        expect(socket.readyState).toBe(1);
        expect(watcher.lost).toHaveBeenCalledOnce();
        browser.timers[0]?.();
        expect(browser.sockets.map(({ protocols }) => protocols)).toEqual([['new'], ['T']]);
        browser.last.opens();
        expect(browser.last.sent).toEqual(['{"type":"sessionResume","ticket":"T","fresh":false}']);
        browser.say({ type: 'sessionState', state: 'resumed', role: 'owner', graceSeconds: 30 });
        expect(watcher.back).toHaveBeenCalledOnce();
        expect([opened(), got]).toEqual([1, ['{"type":"config"}']]);
    });

    it('hears nothing more of a socket that was given up', () => {
        const { socket, got } = made();
        browser.last.opens();
        browser.say({ type: 'sessionTicket', ticket: 'T', session: 's' });
        socket.standing(true);
        const first = browser.last;
        browser.network();
        expect(first.closed).toBe(1000);
        first.onmessage?.({ data: '{"type":"offer"}' });
        first.onclose?.({ code: 1000, reason: '' });
        expect(got).toEqual([]);
        expect(watcher.finished).not.toHaveBeenCalled();
    });

    it('says nothing any more once another takes its place', () => {
        const { socket, got, codes } = made();
        browser.last.opens();
        browser.say({ type: 'sessionState', state: 'ended', reason: 'idle', message: '' });
        const told = watcher.announced.mock.calls.length;
        socket.abandon();
        expect([browser.last.closed, browser.timers, browser.listening]).toEqual([1000, [], false]);
        browser.say({ type: 'offer' });
        browser.last.onclose?.({ code: 1012, reason: 'late' });
        socket.close(1000);
        expect([got, codes, watcher.announced.mock.calls.length]).toEqual([[], [], told]);
        expect(watcher.finished).not.toHaveBeenCalled();
    });

    it('reads binary frames too, in their place among the others, and before the connection goes', () => {
        const { got } = made();
        browser.last.opens();
        browser.last.sayBytes('{"type":"offer"}');
        browser.say({ type: 'iceCandidate' });
        browser.last.sayBytes('{"type":"answer"}');
        browser.last.onclose?.({ code: 1011, reason: '' });
        expect(got).toEqual(['{"type":"offer"}', '{"type":"iceCandidate"}', '{"type":"answer"}']);
    });

    it('does one thing after the other, also where the page asks for another while it hears of one', () => {
        const { socket } = made();
        browser.last.opens();
        browser.say({ type: 'sessionTicket', ticket: 'T', session: 's' });
        socket.standing(true);
        browser.last.onclose?.({ code: 1006, reason: '' });
        socket.send('{"type":"iceCandidate"}');
        browser.timers[0]?.();
        browser.last.opens();
        const resumed = browser.last;
        watcher.announced.mockImplementation(() => {
            socket.renew();
        });
        browser.say({ type: 'sessionState', state: 'resumed', role: 'owner', graceSeconds: 30 });
        expect(resumed.sent.at(-1)).toBe('{"type":"iceCandidate"}');
        expect(watcher.back).toHaveBeenCalledOnce();
        expect([resumed.closed, browser.sockets.length]).toEqual([1000, 3]);
        browser.last.opens();
        expect(browser.last.sent).toEqual(['{"type":"sessionResume","ticket":"T","fresh":true}']);
    });

    it('opens nothing more once it was let go of by what it has told', () => {
        const { socket } = made();
        watcher.lost.mockImplementation(() => {
            socket.abandon();
        });
        browser.last.opens();
        browser.last.onmessage?.({ data: '{"type":"sessionTicket","ticket":"T","session":"s"}' });
        browser.last.onclose?.({ code: 1006, reason: '' });
        expect(watcher.lost).toHaveBeenCalledOnce();
        expect([browser.timers, browser.sockets.length]).toEqual([[], 1]);
    });

    it('ends in a way after which the library does not come again', () => {
        const { socket, codes } = made();
        browser.last.opens();
        browser.last.onclose?.({ code: 1011, reason: 'gone' });
        expect(codes).toEqual([1001]);
        expect(watcher.finished).toHaveBeenCalledWith('refused', 1011, 'gone');
        expect(socket.readyState).toBe(3);
        expect([browser.timers, browser.listening]).toEqual([[], false]);
    });
});
