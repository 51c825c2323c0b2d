import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DEFAULTS } from '../preferences';
import { Stream, type StreamWatcher } from './stream';

/** Epic's library and the connection as a stream uses them, for which a test speaks. */
const fake = vi.hoisted(() => ({
    listeners: new Map<string, () => void>(),
    microphone: false,
    standing: false,
    renews: 0,
    renewed: (): void => undefined,
    peerConnection: null as EventTarget | null
}));

vi.mock('./library', () => ({
    applicationDefaults: () => ({}),
    forgetInstance: () => undefined,
    makeLibrary: () => ({
        library: {
            addEventListener: (name: string, listener: () => void) => fake.listeners.set(name, listener),
            addResponseEventListener: () => undefined,
            config: { isFlagEnabled: () => fake.microphone },
            webRtcController: {
                resizePlayerStyle: () => undefined,
                videoPlayer: { getVideoElement: () => ({}) },
                get peerConnectionController() {
                    return { peerConnection: fake.peerConnection };
                }
            },
            connect: () => make()
        },
        startsByItself: true
    }),
    replaceSocket: (_library: unknown, maker: () => unknown) => {
        make = maker;
    },
    setInput: (_config: unknown, { microphone }: { microphone: boolean }) => {
        fake.microphone = microphone;
    },
    setQuality: () => undefined
}));
vi.mock('./sound', () => ({
    Sound: class {
        apply(): void {
            // Nothing is heard.
        }
    }
}));
vi.mock('../session/resumable-socket', () => ({
    ResumableSocket: class {
        constructor(_service: unknown, watcher: { renewed(): void }) {
            fake.renewed = (): void => {
                watcher.renewed();
            };
        }

        standing(stands: boolean): void {
            fake.standing = stands;
        }

        renew(): void {
            fake.renews++;
        }
    }
}));

let make: () => unknown;

/** A peer connection that a test leads. */
class FakePeerConnection extends EventTarget {
    connectionState = 'new';

    become(state: RTCPeerConnectionState): void {
        this.connectionState = state;
        this.dispatchEvent(new Event('connectionstatechange'));
    }

    close(): void {
        this.connectionState = 'closed';
    }
}

beforeEach(() => {
    vi.useFakeTimers();
    Object.assign(fake, { microphone: false, standing: false, renews: 0, peerConnection: null });
});

afterEach(() => {
    vi.useRealTimers();
});

function connected(): { stream: Stream; watcher: Record<keyof StreamWatcher, ReturnType<typeof vi.fn>> } {
    const watcher = {
        announced: vi.fn(),
        lost: vi.fn(),
        back: vi.fn(),
        mending: vi.fn(),
        finished: vi.fn(),
        offered: vi.fn(),
        connected: vi.fn(),
        framed: vi.fn(),
        playRefused: vi.fn(),
        subscribeRefused: vi.fn(),
        mediaFailed: vi.fn(),
        textWanted: vi.fn(),
        answered: vi.fn()
    };
    const stream = new Stream({} as HTMLElement, watcher);
    stream.connect({ url: '', protocols: () => [], ticket: null });
    return { stream, watcher };
}

/** An offer has come; gives its peer connection. */
function offer(): FakePeerConnection {
    const one = new FakePeerConnection();
    fake.peerConnection = one;
    fake.listeners.get('webRtcSdpOffer')?.();
    return one;
}

describe('a stream that is negotiated anew', () => {
    it('does not take the old peer connection for the new one', () => {
        const { stream } = connected();
        const old = offer();
        old.become('connected');
        expect(fake.standing).toBe(true);
        stream.renew();
        old.become('disconnected');
        old.become('connected');
        expect(fake.standing).toBe(false);
        old.become('failed');
        vi.advanceTimersByTime(30_000);
        expect(fake.renews).toBe(1);
        offer().become('connected');
        expect(fake.standing).toBe(true);
    });

    it('does not do so either where the connection was lost before the old one stood', () => {
        connected();
        const old = offer();
        fake.renewed();
        old.become('connected');
        expect(fake.standing).toBe(false);
        vi.advanceTimersByTime(30_000);
        expect(fake.renews).toBe(0);
    });

    it('is so for a microphone that is switched on while the network is silent', () => {
        const { stream } = connected();
        const one = offer();
        one.become('connected');
        one.become('disconnected');
        stream.apply({ ...DEFAULTS, microphone: true }, true);
        expect(fake.renews).toBe(1);
    });
});
