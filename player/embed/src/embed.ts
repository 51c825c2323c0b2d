/** Put the player page into an element of your page, and speak with it. docs/embedding.md has examples. */
import { isOfContract, VERSION, type EmbeddedState, type FromPage, type ToPage } from '../../src/embedding/contract';
import type { Statistics } from '../../src/session/messages';

export type { EmbeddedState, Statistics };

export interface EmbedOptions {
    /** The page's address, `?app=…` included. Its service must name this page's origin in `page.embedders`. */
    readonly url: string;
    /** A login token. It goes to the page by message and stands in no address. */
    readonly token?: string;
    /** A link ticket or an invitation. */
    readonly ticket?: string;
    /** A language tag; without it the browser's language. */
    readonly language?: string;
    /** Origins of the service's other regions that the frame may be led to. */
    readonly regions?: readonly string[];
    /** What a screen reader calls the frame. */
    readonly title?: string;
}

/** What an embedded player tells; `detail` of the event. */
export interface PlayerEvents {
    ready: undefined;
    state: EmbeddedState;
    /** The application has said something. */
    message: string;
    statistics: Statistics;
    /** Another region has room. The frame goes there by itself if `regions` names its origin. */
    redirect: { readonly url: string; readonly followed: boolean };
}

const REMOVAL_MILLISECONDS = 1000;

type Listener<Name extends keyof PlayerEvents> = (event: CustomEvent<PlayerEvents[Name]>) => void;

/** A player in a frame. */
export class EmbeddedPlayer {
    readonly frame: HTMLIFrameElement;
    private readonly events = new EventTarget();
    private readonly receiver: (event: MessageEvent<unknown>) => void;
    private origin: string;
    private token: string | undefined;
    private last: EmbeddedState = { state: 'connecting' };

    constructor(
        element: HTMLElement,
        private readonly options: EmbedOptions
    ) {
        const address = addressOf(options);
        this.origin = address.origin;
        this.token = options.token;
        this.frame = element.ownerDocument.createElement('iframe');
        this.frame.title = options.title ?? 'Interactive stream';
        this.frame.allow = 'autoplay; fullscreen; gamepad; microphone; clipboard-write; screen-wake-lock; web-share';
        Object.assign(this.frame.style, { width: '100%', height: '100%', border: '0', verticalAlign: 'top' });
        this.receiver = (event): void => {
            if (event.source === this.frame.contentWindow && event.origin === this.origin && isOfContract(event.data)) {
                this.heard(event.data as FromPage);
            }
        };
        window.addEventListener('message', this.receiver);
        this.frame.addEventListener('load', () => {
            this.greet();
        });
        this.frame.src = address.toString();
        element.append(this.frame);
    }

    /** How far the session has come. */
    get state(): EmbeddedState {
        return this.last;
    }

    on<Name extends keyof PlayerEvents>(name: Name, listener: Listener<Name>): this {
        this.events.addEventListener(name, listener as EventListener);
        return this;
    }

    off<Name extends keyof PlayerEvents>(name: Name, listener: Listener<Name>): this {
        this.events.removeEventListener(name, listener as EventListener);
        return this;
    }

    /** Send a value to the application, which gets it as JSON. */
    sendMessage(value: unknown): void {
        this.tell({ type: 'pixel:send', value });
    }

    mute(muted = true): void {
        this.tell({ type: 'pixel:mute', muted });
    }

    /** Begin, or begin again after an end; with another token if there is one. */
    start(token?: string): void {
        this.token = token ?? this.token;
        this.tell({ type: 'pixel:start', ...(token === undefined ? {} : { token }) });
    }

    /** End the session. The frame stays and says so. */
    end(): void {
        this.tell({ type: 'pixel:end' });
    }

    /** Give the keys to the application. */
    focus(): void {
        this.frame.focus();
        this.tell({ type: 'pixel:focus' });
    }

    /** Show the frame on the whole screen; call it from a click or a key. Rejected where the browser has none for it. */
    async fullscreen(): Promise<void> {
        const frame: Partial<Pick<HTMLIFrameElement, 'requestFullscreen'>> = this.frame;
        if (frame.requestFullscreen === undefined) {
            throw new Error('this browser shows no frame on the whole screen: let the frame fill the window instead');
        }
        await this.frame.requestFullscreen();
    }

    /** End the session and take the frame away; it goes once the page has told the service, a second later at most. */
    remove(): void {
        this.frame.hidden = true;
        const take = (): void => {
            clearTimeout(timer);
            window.removeEventListener('message', this.receiver);
            this.frame.remove();
        };
        const timer = setTimeout(take, REMOVAL_MILLISECONDS);
        this.on('state', ({ detail }) => {
            if (detail.state === 'over') {
                take();
            }
        });
        this.end();
    }

    private greet(): void {
        const { language } = this.options;
        this.tell({
            type: 'pixel:hello',
            version: VERSION,
            ...(this.token === undefined ? {} : { token: this.token }),
            ...(language === undefined ? {} : { language })
        });
    }

    private tell(message: ToPage): void {
        this.frame.contentWindow?.postMessage(message, this.origin);
    }

    private heard(message: FromPage): void {
        switch (message.type) {
            case 'pixel:ready':
                this.raise('ready', undefined);
                break;
            case 'pixel:state': {
                const { type: _type, ...state } = message;
                this.last = state;
                this.raise('state', state);
                break;
            }
            case 'pixel:message':
                this.raise('message', message.text);
                break;
            case 'pixel:statistics':
                this.raise('statistics', message.statistics);
                break;
            case 'pixel:redirect':
                this.redirected(message.url);
                break;
        }
    }

    private redirected(url: string): void {
        const address = new URL(url);
        const followed = this.options.regions?.includes(address.origin) ?? false;
        if (followed) {
            this.origin = address.origin;
            this.frame.src = embedded(address).toString();
        }
        this.raise('redirect', { url, followed });
    }

    private raise<Name extends keyof PlayerEvents>(name: Name, detail: PlayerEvents[Name]): void {
        this.events.dispatchEvent(new CustomEvent(name, { detail }));
    }
}

/** Put a player into an element; it fills the element. */
export function embed(element: HTMLElement, options: EmbedOptions): EmbeddedPlayer {
    return new EmbeddedPlayer(element, options);
}

function addressOf(options: EmbedOptions): URL {
    const address = new URL(options.url, document.baseURI);
    if (options.ticket !== undefined) {
        address.hash = new URLSearchParams({ ticket: options.ticket }).toString();
    }
    return embedded(address);
}

/** An address that tells the page to wait for the one around it. */
function embedded(address: URL): URL {
    const marked = new URL(address);
    marked.hash = marked.hash === '' ? 'embed' : `${marked.hash.slice(1)}&embed`;
    return marked;
}
