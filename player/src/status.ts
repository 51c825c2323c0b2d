/** What the page knows about its session, and the words for it. Pure: no DOM, no network. */

export type State =
    | { readonly kind: 'idle' }
    | { readonly kind: 'connecting' }
    | { readonly kind: 'waiting' }
    | { readonly kind: 'starting' }
    | { readonly kind: 'blocked' }
    | { readonly kind: 'playing' }
    | { readonly kind: 'reconnecting'; readonly reason: string }
    | { readonly kind: 'disconnected'; readonly reason: string }
    | { readonly kind: 'failed'; readonly reason: string };

export type Happening =
    | { readonly kind: 'connect' }
    | { readonly kind: 'open' }
    | { readonly kind: 'instances'; readonly chosen: boolean; readonly gaveUp: boolean }
    | { readonly kind: 'offer' }
    | { readonly kind: 'frame' }
    | { readonly kind: 'play-refused' }
    | { readonly kind: 'refused'; readonly reason: string }
    | { readonly kind: 'media-failed' }
    | { readonly kind: 'closed'; readonly reason: string; readonly retrying: boolean };

export type Action = 'connect' | 'retry' | 'play';

export interface Words {
    readonly status: string;
    readonly detail: string;
    readonly action: Action | null;
    readonly busy: boolean;
}

export const INITIAL: State = { kind: 'idle' };

const MEDIA_FAILED =
    'Picture and sound could not get through. A firewall may block them: try another network, or ask whoever runs this service.';
const NO_INSTANCE = 'No instance became free. Please try again in a moment.';
const NO_REASON = 'The connection to the service ended. It may be full or restarting: try again in a moment.';

/** The state after something happened. A failure that was explained stays until a new attempt begins. */
export function next(state: State, happening: Happening): State {
    switch (happening.kind) {
        case 'connect':
            return state.kind === 'reconnecting' ? state : { kind: 'connecting' };
        case 'open':
            return { kind: 'waiting' };
        case 'instances':
            if (happening.chosen) {
                return { kind: 'starting' };
            }
            return happening.gaveUp ? { kind: 'failed', reason: NO_INSTANCE } : { kind: 'waiting' };
        case 'offer':
            return state.kind === 'playing' ? state : { kind: 'starting' };
        case 'frame':
            return { kind: 'playing' };
        case 'play-refused':
            return { kind: 'blocked' };
        case 'refused':
            return { kind: 'failed', reason: happening.reason };
        case 'media-failed':
            return { kind: 'failed', reason: MEDIA_FAILED };
        case 'closed':
            if (state.kind === 'failed') {
                return state;
            }
            return happening.retrying
                ? { kind: 'reconnecting', reason: happening.reason }
                : { kind: 'disconnected', reason: happening.reason === '' ? NO_REASON : happening.reason };
    }
}

/** What a person reads in a state, and what they can do about it. */
export function words(state: State): Words {
    switch (state.kind) {
        case 'idle':
            return { status: 'Ready to connect', detail: '', action: 'connect', busy: false };
        case 'connecting':
            return { status: 'Connecting', detail: '', action: null, busy: true };
        case 'waiting':
            return { status: 'Waiting for an instance', detail: '', action: null, busy: true };
        case 'starting':
            return { status: 'Starting the stream', detail: '', action: null, busy: true };
        case 'blocked':
            return {
                status: 'Ready to play',
                detail: 'Your browser starts the stream only after a click or a key.',
                action: 'play',
                busy: false
            };
        case 'playing':
            return { status: 'Playing', detail: '', action: null, busy: false };
        case 'reconnecting':
            return { status: 'Connection lost, trying again', detail: state.reason, action: null, busy: true };
        case 'disconnected':
            return { status: 'Disconnected', detail: state.reason, action: 'retry', busy: false };
        case 'failed':
            return { status: 'The stream could not be started', detail: state.reason, action: 'retry', busy: false };
    }
}

/** The label of the button for an action. */
export const LABELS: Readonly<Record<Action, string>> = {
    connect: 'Connect',
    retry: 'Try again',
    play: 'Play'
};

/** The matchmaker's WebSocket address for a page: same host, the page's own query passed on. */
export function signallingAddress(page: string): string {
    const address = new URL('ws', page);
    address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
    address.search = new URL(page).search;
    return address.toString();
}

/** A query without the frontend library's `ss`, which would name another host to connect to. */
export function withoutForeignServer(query: string): string {
    const parameters = new URLSearchParams(query);
    for (const name of [...parameters.keys()]) {
        if (name.toLowerCase() === 'ss') {
            parameters.delete(name);
        }
    }
    const text = parameters.toString();
    return text === '' ? '' : `?${text}`;
}
