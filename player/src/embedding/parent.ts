/** The page that has this one in a frame, from this side: who it is, what it says, what it is told. */
import { isOfContract, VERSION, type EmbeddedState, type FromPage, type ToPage } from './contract';
import { invitationLink } from '../link';
import { roleOf, type Session } from '../state';

/** The windows and the clock that a parent lives in; tests bring their own. */
export interface Frame {
    /** The window that may speak to this page. */
    readonly parent: Pick<Window, 'postMessage'>;
    readonly origin: string;
    listen(listener: (event: Pick<MessageEvent<unknown>, 'source' | 'origin' | 'data'>) => void): void;
}

export const BROWSER_FRAME = (): Frame => ({
    parent: window.parent,
    origin: location.origin,
    listen: (listener) => {
        window.addEventListener('message', listener);
    }
});

export class Parent {
    private known: string | null = null;
    private early: { origin: string; message: ToPage }[] = [];
    private allowed: readonly string[] | null = null;
    private said = '';

    constructor(
        private readonly frame: Frame,
        private readonly heard: (message: ToPage) => void
    ) {
        frame.listen((event) => {
            if (event.source === frame.parent && isOfContract(event.data)) {
                this.receive(event.origin, event.data as ToPage);
            }
        });
    }

    /** Only these origins, and this page's own, may speak to it from now on; what came early is heard now. */
    allow(origins: readonly string[]): void {
        this.allowed = [this.frame.origin, ...origins];
        const early = this.early;
        this.early = [];
        for (const { origin, message } of early) {
            this.receive(origin, message);
        }
    }

    /** Tell the parent, once it has said hello. It gets nothing while it is not known. */
    tell(message: FromPage): void {
        if (this.known !== null) {
            this.frame.parent.postMessage(message, this.known);
        }
    }

    /** Tell the parent how far a session has come, where that is news. */
    tellState(session: Session, page: string): void {
        const state = embeddedState(session);
        const text = JSON.stringify(state);
        if (text !== this.said && this.known !== null) {
            this.said = text;
            this.tell({ type: 'pixel:state', ...state });
            const { stage } = session;
            if (stage.kind === 'over' && stage.end.kind === 'redirect') {
                this.tell({ type: 'pixel:redirect', url: redirectLink(stage.end.url, stage.end.ticket, page) });
            }
        }
    }

    private receive(origin: string, message: ToPage): void {
        if (this.allowed === null) {
            this.early.push({ origin, message });
            return;
        }
        if (!this.allowed.includes(origin)) {
            return;
        }
        if (message.type === 'pixel:hello') {
            this.known = origin;
            this.said = '';
            this.tell({ type: 'pixel:ready', version: VERSION });
        }
        // Whoever has not said hello is not spoken with.
        if (this.known === origin) {
            this.heard(message);
        }
    }
}

/** The address of the same application in another region, with the ticket that lets in there. */
export function redirectLink(region: string, ticket: string, page: string): string {
    const address = new URL(region);
    const application = new URL(page).searchParams.get('app');
    if (application !== null && !address.searchParams.has('app')) {
        address.searchParams.set('app', application);
    }
    return invitationLink(address.toString(), ticket);
}

/** A session as the parent is told of it. */
export function embeddedState(session: Session): EmbeddedState {
    const { stage } = session;
    switch (stage.kind) {
        case 'queued':
            return { state: 'queued', position: stage.position, estimateSeconds: stage.estimateSeconds };
        case 'playing':
            return { state: 'playing', role: roleOf(session) };
        case 'over': {
            const { end } = stage;
            const over = { state: 'over', message: '', login: false, reason: null } as const;
            switch (end.kind) {
                case 'ended':
                    return { ...over, reason: end.reason, message: end.message };
                case 'failed':
                    return {
                        ...over,
                        reason: end.reason,
                        message: end.message,
                        login: end.reason === 'login_required' || end.reason === 'login_refused'
                    };
                case 'closed':
                    return {
                        ...over,
                        reason:
                            end.cause === 'lost' || end.cause === 'unreachable' || end.cause === 'left'
                                ? end.cause
                                : null,
                        message: end.message
                    };
                case 'media':
                case 'left':
                    return { ...over, reason: end.kind };
                case 'redirect':
                    return over;
            }
        }
        // eslint-disable-next-line no-fallthrough -- every end returns
        default:
            return { state: stage.kind };
    }
}
