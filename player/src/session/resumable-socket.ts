/** The WebSocket that Epic's library is given: the same one for as long as the session lasts, whatever sockets go. */
import { begin, CLOSE_CODE, pause, step, type Cause, type Effect, type Happening, type Step } from './resumption';
import type { Connection, Ticket } from './resumption';
import type { FromPlayer, FromServer } from './messages';

/** What a page learns of its connection beside what the library does. */
export interface Watcher {
    announced(message: FromServer): void;
    lost(): void;
    back(): void;
    /** The peer connection is to be closed: a new offer comes. */
    renewed(): void;
    finished(cause: Cause, code: number, reason: string): void;
}

/** Where and how to connect. */
export interface Service {
    readonly url: string;
    /**
     * The sub-protocols to offer. Who comes back shows its own ticket in the place of its link's, which counted once:
     * without either a service that wants a login would not let it in.
     */
    protocols(own: string | null): readonly string[];
    /** Of an earlier page of this tab. */
    readonly ticket: Ticket | null;
}

/** The part of the browser that a socket lives in; tests bring their own. */
export interface Surroundings {
    connect(url: string, protocols: readonly string[]): WebSocket;
    now(): number;
    random(): number;
    after(milliseconds: number, callback: () => void): () => void;
    /** Hear of a network that is there again, and of somebody who looks again; gives how to hear no more. */
    listen(network: () => void, seen: () => void): () => void;
}

export const BROWSER: Surroundings = {
    connect: (url, protocols) => new WebSocket(url, [...protocols]),
    now: () => performance.now(),
    random: () => Math.random(),
    after: (milliseconds, callback) => {
        const timer = setTimeout(callback, milliseconds);
        return () => {
            clearTimeout(timer);
        };
    },
    listen: (network, seen) => {
        const looks = (): void => {
            if (document.visibilityState === 'visible') {
                seen();
            }
        };
        window.addEventListener('online', network);
        document.addEventListener('visibilitychange', looks);
        return () => {
            window.removeEventListener('online', network);
            document.removeEventListener('visibilitychange', looks);
        };
    }
};

const CONNECTING = 0;
const OPEN = 1;
const CLOSED = 3;

/** Has what the library's WebSocketTransport uses of a WebSocket, and what the page needs beyond it. */
export class ResumableSocket {
    onopen: ((event: Event) => void) | null = null;
    onmessage: ((event: MessageEvent) => void) | null = null;
    onclose: ((event: CloseEvent) => void) | null = null;
    onerror: ((event: Event) => void) | null = null;

    private connection: Connection;
    private socket: WebSocket | null = null;
    private forget: () => void = () => undefined;
    private readonly deafen: () => void;
    private abandoned = false;
    private readonly waiting: Happening[] = [];
    private busy = false;

    constructor(
        private readonly service: Service,
        private readonly watcher: Watcher,
        private readonly surroundings: Surroundings = BROWSER
    ) {
        this.deafen = surroundings.listen(
            () => {
                this.happened({ kind: 'network', now: surroundings.now() });
            },
            () => {
                this.happened({ kind: 'seen' });
            }
        );
        const [connection, effects] = begin(service.ticket, surroundings.now());
        this.connection = connection;
        this.carryOut(effects);
    }

    /** As of a WebSocket; a connection that comes back by itself has stayed open. */
    get readyState(): number {
        if (this.connection.phase === 'closed') {
            return CLOSED;
        }
        return this.connection.opened ? OPEN : CONNECTING;
    }

    send(data: string): void {
        this.happened({ kind: 'send', data });
    }

    close(code?: number, reason = ''): void {
        this.happened({ kind: 'close', code, reason, now: this.surroundings.now() });
    }

    /** Send a message of the session; one that no socket can take is dropped. */
    say(message: FromPlayer): void {
        this.happened({ kind: 'say', message });
    }

    /** Tell whether the peer connection stands, and so survives a loss of this one. */
    standing(stands: boolean): void {
        this.happened({ kind: 'standing', stands });
    }

    /** Come again for a new offer of the same instance. */
    renew(): void {
        this.happened({ kind: 'renew', now: this.surroundings.now() });
    }

    /** Let go of it without a word to the page or the library: another takes its place, and this one may close late. */
    abandon(): void {
        this.abandoned = true;
        this.deafen();
        this.forget();
        this.cut();
    }

    private happened(happening: Happening): void {
        // Whoever hears of an effect may ask for something at once: that comes after the effects that are left.
        this.waiting.push(happening);
        if (this.busy) {
            return;
        }
        this.busy = true;
        try {
            for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
                const [connection, effects]: Step = step(this.connection, next);
                this.connection = connection;
                this.carryOut(effects);
            }
        } finally {
            this.busy = false;
        }
    }

    private carryOut(effects: readonly Effect[]): void {
        for (const effect of effects) {
            if (!this.abandoned) {
                this.carryOutOne(effect);
            }
        }
    }

    private carryOutOne(effect: Effect): void {
        switch (effect.do) {
            case 'connect':
                this.connect();
                break;
            case 'cut':
                this.cut();
                break;
            case 'transmit':
                this.socket?.send(effect.data);
                break;
            case 'deliver':
                this.onmessage?.(new MessageEvent('message', { data: effect.data }));
                break;
            case 'announce':
                this.watcher.announced(effect.message);
                break;
            case 'open':
                this.onopen?.(new Event('open'));
                break;
            case 'lost':
                this.watcher.lost();
                break;
            case 'back':
                this.watcher.back();
                break;
            case 'renew':
                this.watcher.renewed();
                break;
            case 'wait':
                this.wait(effect.seconds);
                break;
            case 'back off':
                this.wait(pause(effect.tries, this.surroundings.random()));
                break;
            case 'rest':
                this.forget();
                break;
            case 'finish':
                this.finish(effect.cause, effect.code, effect.reason);
                break;
        }
    }

    private connect(): void {
        const protocols = this.service.protocols(this.connection.ticket?.ticket ?? null);
        const socket = this.surroundings.connect(this.service.url, protocols);
        // Read at once: a Blob would be read late, after the frames that follow it.
        socket.binaryType = 'arraybuffer';
        this.socket = socket;
        // A socket that was cut may still say something: it is no longer ours.
        const ours = (): boolean => this.socket === socket;
        socket.onopen = (): void => {
            if (ours()) {
                this.happened({ kind: 'opened' });
            }
        };
        socket.onmessage = (event: MessageEvent<unknown>): void => {
            const data = textOf(event.data);
            if (ours() && data !== null) {
                this.happened({ kind: 'frame', data });
            }
        };
        socket.onclose = (event): void => {
            if (ours()) {
                this.socket = null;
                this.happened({
                    kind: 'dropped',
                    code: event.code,
                    reason: event.reason,
                    now: this.surroundings.now()
                });
            }
        };
    }

    private cut(): void {
        const socket = this.socket;
        this.socket = null;
        socket?.close(1000);
    }

    private wait(seconds: number): void {
        this.forget();
        this.forget = this.surroundings.after(seconds * 1000, () => {
            this.happened({ kind: 'due', now: this.surroundings.now() });
        });
    }

    private finish(cause: Cause, code: number, reason: string): void {
        this.deafen();
        this.watcher.finished(cause, code, reason);
        this.onclose?.(new CloseEvent('close', { code: CLOSE_CODE, reason, wasClean: true }));
    }
}

function textOf(data: unknown): string | null {
    if (typeof data === 'string') {
        return data;
    }
    return data instanceof ArrayBuffer ? new TextDecoder().decode(data) : null;
}
