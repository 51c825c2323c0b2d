/** One stream: Epic's library on a connection that comes back, watched for what it does not watch itself. */
import type { PixelStreaming } from './epic';
import {
    applicationDefaults,
    forgetInstance,
    makeLibrary,
    replaceSocket,
    setInput,
    setQuality,
    type ApplicationDefaults
} from './library';
import { NO_MEDIA, watchMedia, type MediaEffect, type MediaHappening } from './media-health';
import { Sound } from './sound';
import { figuresOf, type Figures } from './statistics';
import type { Preferences } from '../preferences';
import type { FromPlayer, FromServer } from '../session/messages';
import type { Cause } from '../session/resumption';
import { ResumableSocket, type Service } from '../session/resumable-socket';
import type { Typed } from './typing';

/** What happens to a stream. */
export interface StreamWatcher {
    announced(message: FromServer): void;
    lost(): void;
    back(): void;
    mending(): void;
    finished(cause: Cause, message: string): void;
    offered(): void;
    connected(): void;
    framed(): void;
    playRefused(): void;
    subscribeRefused(message: string): void;
    mediaFailed(): void;
    /** The application asks for text, or no longer does (null). */
    textWanted(contents: string | null): void;
    /** The application has said something to the page. */
    answered(text: string): void;
}

const BACKSPACE = 8;
const ENTER = 13;

export class Stream {
    readonly library: PixelStreaming;
    readonly startsByItself: boolean;
    readonly sound: Sound;
    private readonly video: HTMLVideoElement;
    private socket: ResumableSocket | null = null;
    private service: Service | null = null;
    private health = NO_MEDIA;
    private forget: () => void = () => undefined;
    private usual: ApplicationDefaults;
    private figures: Figures | null = null;
    /** A peer connection that another one takes the place of. */
    private outgoing: RTCPeerConnection | null = null;

    constructor(
        stage: HTMLElement,
        private readonly watcher: StreamWatcher
    ) {
        const { library, startsByItself } = makeLibrary(stage);
        this.library = library;
        this.startsByItself = startsByItself;
        this.video = library.webRtcController.videoPlayer.getVideoElement();
        this.sound = new Sound(library, this.video);
        this.usual = applicationDefaults(library.config);
        replaceSocket(library, () => this.makeSocket());
        this.watchLibrary();
    }

    /** Begin a session. */
    connect(service: Service): void {
        this.service = service;
        this.socket?.abandon();
        this.socket = null;
        this.health = NO_MEDIA;
        this.closeMedia();
        forgetInstance(this.library);
        this.library.connect();
    }

    /** Come again for a new offer: the role or the microphone has changed. */
    renew(): void {
        this.watcher.mending();
        this.mediaHappened({ kind: 'replaced' });
        this.socket?.renew();
    }

    say(message: FromPlayer): void {
        this.socket?.say(message);
    }

    /** Leave on purpose. */
    end(): void {
        this.say({ type: 'sessionEnd' });
        this.stop();
    }

    /** Let go of the connection and of media, whatever stands of them. */
    stop(): void {
        this.forget();
        this.socket?.close(1000);
        this.closeMedia();
    }

    /** Start the picture after a click, which the browser wanted. */
    play(): void {
        this.sound.gesture();
        this.library.play();
    }

    /** Apply what a person wants; `owner` says whether this player's input counts. */
    apply(preferences: Preferences, owner: boolean): void {
        const { config } = this.library;
        const hadMicrophone = config.isFlagEnabled('UseMic');
        setInput(config, preferences, owner, this.usual);
        if (owner) {
            setQuality(config, preferences, this.usual);
            this.library.webRtcController.resizePlayerStyle();
        }
        this.sound.apply(preferences.sound, preferences.volume);
        if (config.isFlagEnabled('UseMic') !== hadMicrophone && this.health.state !== 'none') {
            this.renew();
        }
    }

    /** Read the browser's statistics; null before there is video. */
    async measure(): Promise<Figures | null> {
        const { peerConnection } = this;
        if (peerConnection === null) {
            return null;
        }
        const report = await peerConnection.getStats();
        const reports: Record<string, unknown>[] = [];
        report.forEach((each: Record<string, unknown>) => reports.push(each));
        this.figures = figuresOf(reports, this.figures);
        return this.figures;
    }

    /** Put a text into the application's text box. */
    sendText(contents: string): void {
        this.library.sendTextboxEntry(contents);
    }

    /** Press the keys of a text in the application. */
    typeText({ backspaces, text }: Typed): void {
        for (let count = 0; count < backspaces; count++) {
            this.press(BACKSPACE, BACKSPACE);
        }
        for (let index = 0; index < text.length; index++) {
            this.send('KeyPress', [text.charCodeAt(index)]);
        }
    }

    pressEnter(): void {
        this.press(ENTER, ENTER);
    }

    /** Release a key that the page will not hear of any more. */
    releaseKey(code: number): void {
        this.send('KeyUp', [code]);
    }

    private press(code: number, character: number): void {
        this.send('KeyDown', [code, 0]);
        this.send('KeyPress', [character]);
        this.send('KeyUp', [code]);
    }

    private send(message: string, values: (number | string)[]): void {
        this.library.toStreamerHandlers.get(message)?.(values);
    }

    private get peerConnection(): RTCPeerConnection | null {
        // Both are there only at times, which the library's types do not say.
        const controller = this.library.webRtcController.peerConnectionController as
            { peerConnection: RTCPeerConnection | null } | undefined;
        return controller?.peerConnection ?? null;
    }

    /** Not by the library's own way, which forgets a connection that it may be asking for statistics. */
    private closeMedia(): void {
        this.outgoing?.close();
        this.outgoing = null;
        this.peerConnection?.close();
    }

    private makeSocket(): ResumableSocket {
        if (this.service === null) {
            throw new Error('the library connects before it is told to');
        }
        this.socket = new ResumableSocket(this.service, {
            announced: (message) => {
                this.watcher.announced(message);
            },
            lost: () => {
                this.watcher.lost();
            },
            back: () => {
                this.watcher.back();
            },
            renewed: () => {
                this.watcher.mending();
                this.mediaHappened({ kind: 'replaced' });
                // It shows its picture until the new one is offered. Closed earlier, the application would tell the
                // service that its player has gone.
                this.outgoing = this.peerConnection;
            },
            finished: (cause, _code, reason) => {
                this.forget();
                this.closeMedia();
                this.watcher.finished(cause, reason);
            }
        });
        return this.socket;
    }

    private watchLibrary(): void {
        const { library, watcher } = this;
        library.addEventListener('webRtcSdpOffer', () => {
            this.outgoing?.close();
            this.outgoing = null;
            this.watchPeerConnection();
            watcher.offered();
        });
        library.addEventListener('videoInitialized', () => {
            this.awaitFrame();
        });
        library.addEventListener('playStreamRejected', () => {
            watcher.playRefused();
        });
        library.addEventListener('subscribeFailed', ({ data }) => {
            watcher.subscribeRefused(data.message);
            this.stop();
        });
        library.addEventListener('initialSettings', () => {
            // The library takes the values over after it has told of them.
            queueMicrotask(() => {
                this.usual = applicationDefaults(library.config);
                this.onSettings();
            });
        });
        library.addEventListener('showOnScreenKeyboard', ({ data }) => {
            watcher.textWanted(data.showOnScreenKeyboard ? data.contents : null);
        });
        library.addResponseEventListener('page', (text) => {
            watcher.answered(text);
        });
    }

    /** The application has said what it wants; set by who knows what the person wants. */
    onSettings: () => void = () => undefined;

    private watchPeerConnection(): void {
        const { peerConnection } = this;
        if (peerConnection === null) {
            return;
        }
        this.mediaHappened({ kind: 'offered' });
        peerConnection.addEventListener('connectionstatechange', () => {
            if (peerConnection !== this.peerConnection) {
                return;
            }
            if (peerConnection.connectionState === 'connected') {
                this.watcher.connected();
            }
            this.mediaHappened({ kind: 'state', state: peerConnection.connectionState });
        });
    }

    /** A picture, not a promise: only a frame that was shown counts. */
    private awaitFrame(): void {
        const shown = (): void => {
            this.mediaHappened({ kind: 'frame' });
            this.watcher.framed();
        };
        if ('requestVideoFrameCallback' in this.video) {
            this.video.requestVideoFrameCallback(shown);
        } else {
            (this.video as HTMLVideoElement).addEventListener('playing', shown, { once: true });
        }
    }

    private mediaHappened(happening: MediaHappening): void {
        const [health, effects] = watchMedia(this.health, happening);
        this.health = health;
        for (const effect of effects) {
            this.carryOut(effect);
        }
    }

    private carryOut(effect: MediaEffect): void {
        switch (effect.do) {
            case 'wait': {
                this.forget();
                const timer = setTimeout(() => {
                    this.mediaHappened({ kind: 'due' });
                }, effect.seconds * 1000);
                this.forget = (): void => {
                    clearTimeout(timer);
                };
                break;
            }
            case 'rest':
                this.forget();
                break;
            case 'standing':
                this.socket?.standing(effect.stands);
                break;
            case 'renew':
                this.renew();
                break;
            case 'fail':
                this.watcher.mediaFailed();
                this.stop();
                break;
        }
    }
}
