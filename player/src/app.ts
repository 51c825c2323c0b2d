/** The page as a whole: joins the session's state, the stream, the interface and whoever has the page in a frame. */
import type { Parent } from './embedding/parent';
import type { ToPage } from './embedding/contract';
import { redirectLink } from './embedding/parent';
import type { Access } from './access';
import { carryOut } from './commands';
import { invitationLink } from './link';
import { DEFAULT_CONFIG, type PageConfig } from './page-config';
import { readPreferences, writePreferences, type Preferences } from './preferences';
import { Reporting } from './reporting';
import { storageOf } from './session/kept';
import type { FromServer, Role } from './session/messages';
import type { Cause } from './session/resumption';
import { INITIAL, next, roleChanged, roleOf, type Happening, type Session } from './state';
import { ruleKeys } from './stream/keys';
import type { Figures } from './stream/statistics';
import { Stream } from './stream/stream';
import { fullscreenState, hasTouch, toggleFullscreen, wantsTurning, watchSurroundings } from './surroundings';
import { chooseLanguage, textsOf, type Texts } from './texts';
import { apply as applyTheme } from './theme';
import type { Command, View } from './view';

export interface Places {
    readonly stage: HTMLElement;
    /** Holds everything of the page that is not the stage. */
    readonly interface: HTMLElement;
}

export class App {
    readonly stream: Stream;
    private session: Session = INITIAL;
    private config: PageConfig = DEFAULT_CONFIG;
    private preferences: Preferences = readPreferences(storageOf('localStorage'));
    private readonly reporting: Reporting;
    private readonly video: HTMLVideoElement;
    private parent: Parent | null = null;
    private figures: Figures | null = null;
    private firstFrameSeconds: number | null = null;
    private startedAt = 0;
    /** The ticket of an earlier page is being handed in, and nobody has said yet what it is good for. */
    private returning = false;
    private renewedFor: Role | null = null;
    private gamepad: string | null = null;
    private loginProblem: string | null = null;
    private freed = 0;

    constructor(
        private readonly places: Places,
        private readonly access: Access,
        private readonly show: (view: View) => void
    ) {
        this.stream = new Stream(places.stage, this.streamWatcher());
        this.stream.onSettings = (): void => {
            this.applyPreferences();
        };
        this.video = this.stream.library.webRtcController.videoPlayer.getVideoElement();
        this.reporting = new Reporting({
            playing: () => this.session.stage.kind === 'playing',
            measure: () => this.stream.measure(),
            say: (message) => {
                this.stream.say(message);
            },
            measured: (figures, statistics) => {
                this.figures = figures;
                this.parent?.tell({ type: 'pixel:statistics', statistics });
            }
        });
        ruleKeys({
            ...places,
            escapeToo: () => this.preferences.escape,
            freed: () => {
                this.freed++;
                this.draw();
            },
            release: (code) => {
                this.stream.releaseKey(code);
            }
        });
        watchSurroundings(
            () => {
                this.draw();
            },
            (name) => {
                this.gamepad = name;
                this.draw();
            }
        );
        // Times count down, figures change.
        setInterval(() => {
            this.draw();
        }, 1000);
        this.applyPreferences();
    }

    configure(config: PageConfig): void {
        this.config = config;
        applyTheme(config);
        this.parent?.allow(config.embedders);
        this.draw();
    }

    adopt(parent: Parent): void {
        this.parent = parent;
    }

    /** A login did not work: why. */
    loginFailed(problem: string): void {
        this.loginProblem = problem;
        this.happened({ kind: 'message', message: failure('login_refused', problem) });
    }

    /** Begin a session, or go on with the tab's last one; `clicked` starts the time to the first picture anew. */
    start(clicked: boolean): void {
        if (clicked) {
            this.startedAt = performance.now();
        }
        if (!('RTCPeerConnection' in window)) {
            this.happened({ kind: 'message', message: failure(null, this.texts.noWebRtc) });
            return;
        }
        const service = this.access.service(location.href);
        this.returning = service.ticket !== null;
        this.renewedFor = null;
        this.firstFrameSeconds = null;
        this.figures = null;
        this.loginProblem = null;
        this.happened({ kind: 'connect' });
        this.stream.connect(service);
    }

    /** What the interface, or the parent, asks for. */
    do(command: Command): void {
        switch (command.kind) {
            case 'start':
                this.start(true);
                break;
            case 'play':
                this.stream.play();
                break;
            case 'leave':
                this.happened({ kind: 'left' });
                this.access.keep(null);
                this.stream.end();
                break;
            case 'login':
                void this.logIn();
                break;
            case 'logout':
                void this.logOut();
                break;
            case 'stay':
                this.reporting.here();
                break;
            case 'prefer':
                this.prefer(command.change);
                break;
            case 'sound':
                this.stream.sound.gesture();
                this.prefer({ sound: !this.stream.sound.on });
                break;
            case 'fullscreen':
                toggleFullscreen(this.video);
                break;
            case 'focus-stage':
                this.places.stage.focus({ preventScroll: true });
                break;
            default: {
                const happening = carryOut(command, this.stream);
                if (happening !== null) {
                    this.happened(happening);
                }
            }
        }
        this.draw();
    }

    /** What the parent says. */
    hear(message: ToPage): void {
        switch (message.type) {
            case 'pixel:hello':
                this.trust(message.token);
                if (message.language !== undefined && this.preferences.language === '') {
                    this.preferences = { ...this.preferences, language: message.language };
                }
                // It may come late, and then the next news is far.
                this.parent?.tellState(this.session, location.href);
                break;
            case 'pixel:send':
                this.stream.library.emitUIInteraction(message.value as object | string);
                break;
            case 'pixel:mute':
                this.prefer({ sound: !message.muted });
                break;
            case 'pixel:start':
                this.trust(message.token);
                this.start(true);
                break;
            case 'pixel:end':
                this.do({ kind: 'leave' });
                break;
            case 'pixel:focus':
                this.do({ kind: 'focus-stage' });
                break;
        }
        this.draw();
    }

    private trust(token: string | undefined): void {
        if (typeof token === 'string' && token !== '') {
            this.access.useTokens([token]);
        }
    }

    private get texts(): Texts {
        return textsOf(chooseLanguage(this.preferences.language, navigator.languages));
    }

    private get owner(): boolean {
        // A service that knows no roles lets everybody play.
        return roleOf(this.session) !== 'spectator';
    }

    private streamWatcher(): ConstructorParameters<typeof Stream>[1] {
        const on = (happening: Happening) => (): void => {
            this.happened(happening);
        };
        return {
            announced: (message) => {
                this.announced(message);
            },
            lost: on({ kind: 'lost' }),
            back: on({ kind: 'back' }),
            mending: on({ kind: 'mending' }),
            offered: on({ kind: 'offer' }),
            connected: on({ kind: 'connected' }),
            playRefused: on({ kind: 'play-refused' }),
            mediaFailed: on({ kind: 'media-failed' }),
            subscribeRefused: (message) => {
                this.happened({ kind: 'subscribe-refused', message });
            },
            finished: (cause, message) => {
                this.finished(cause, message);
            },
            framed: () => {
                this.framed();
            },
            textWanted: (contents) => {
                this.happened({ kind: 'text-wanted', contents });
            },
            answered: (text) => {
                this.parent?.tell({ type: 'pixel:message', text });
            }
        };
    }

    private announced(message: FromServer): void {
        if (message.type === 'sessionTicket') {
            this.access.keep({ ticket: message.ticket, session: message.session });
        }
        if (message.type === 'sessionState') {
            const { state } = message;
            if (this.returning && state.state === 'failed' && state.reason === 'session_over') {
                // Nothing to come back to after a reload: the page starts anew, as if it were opened.
                this.access.keep(null);
                return;
            }
            this.returning = false;
            if (state.state === 'ended' || state.state === 'failed') {
                this.access.keep(null);
            }
            if (state.state === 'ready' || state.state === 'resumed') {
                this.renewedFor = null;
            }
        }
        const roleBefore = roleOf(this.session);
        this.happened({ kind: 'message', message });
        const role = roleOf(this.session);
        if (roleChanged(this.session) && this.renewedFor !== role) {
            this.renewedFor = role;
            this.stream.renew();
        }
        if (role !== roleBefore) {
            this.applyPreferences();
        }
        const { stage } = this.session;
        if (stage.kind === 'over' && stage.end.kind === 'redirect' && window.parent === window) {
            location.assign(redirectLink(stage.end.url, stage.end.ticket, location.href));
        }
    }

    private finished(cause: Cause, message: string): void {
        if (this.returning && cause === 'told') {
            // After the library has heard of the end.
            setTimeout(() => {
                this.start(false);
            });
            return;
        }
        this.happened({ kind: 'finished', cause, message });
    }

    private framed(): void {
        if (this.firstFrameSeconds === null) {
            this.firstFrameSeconds = (performance.now() - this.startedAt) / 1000;
            this.reporting.firstFrame(this.firstFrameSeconds);
        }
        this.applyPreferences();
        this.happened({ kind: 'frame' });
    }

    private prefer(change: Partial<Preferences>): void {
        this.preferences = { ...this.preferences, ...change };
        writePreferences(storageOf('localStorage'), this.preferences);
        this.applyPreferences();
    }

    private applyPreferences(): void {
        this.stream.apply(this.preferences, this.owner);
    }

    private async logIn(): Promise<void> {
        const { login } = this.config;
        if (login !== null) {
            await this.access.logIn(login, location.href).catch((error: unknown) => {
                this.loginFailed(String(error));
            });
        }
    }

    private async logOut(): Promise<void> {
        this.do({ kind: 'leave' });
        // An issuer that cannot be asked changes nothing: this tab is logged out.
        await this.access.logOut(this.config.login, location.href).catch(() => undefined);
        this.draw();
    }

    private happened(happening: Happening): void {
        const before = this.session.stage.kind;
        this.session = next(this.session, happening, performance.now());
        const { kind } = this.session.stage;
        if (kind === 'playing' && before !== 'playing') {
            this.places.stage.focus({ preventScroll: true });
        }
        this.draw();
        this.parent?.tellState(this.session, location.href);
    }

    draw(): void {
        const { session, texts } = this;
        const root = document.documentElement;
        root.lang = chooseLanguage(this.preferences.language, navigator.languages);
        root.dataset['stage'] = session.stage.kind;
        const watching = roleOf(session) === 'spectator';
        this.places.stage.setAttribute('aria-label', watching ? texts.stage.watching : texts.stage.label);
        const { sound } = this.stream;
        this.show({
            session,
            watching,
            now: performance.now(),
            texts,
            config: this.config,
            preferences: this.preferences,
            figures: this.figures,
            firstFrameSeconds: this.firstFrameSeconds,
            sound: { on: sound.on, waits: sound.waits, available: sound.available },
            fullscreen: fullscreenState(this.video, this.owner),
            touch: hasTouch(),
            turnDevice: session.stage.kind === 'playing' && wantsTurning(this.video),
            gamepad: this.gamepad,
            invitation: session.invitation && invitationLink(location.href, session.invitation.ticket),
            loggedIn: this.access.loggedIn,
            canLogIn: this.config.login !== null && window.parent === window,
            loginProblem: this.loginProblem,
            secure: window.isSecureContext,
            freed: this.freed
        });
    }
}

function failure(reason: 'login_refused' | null, message: string): FromServer {
    return { type: 'sessionState', state: { state: 'failed', reason, message, retry: reason === null } };
}
