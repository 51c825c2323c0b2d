/**
 * Whether picture and sound get through, and what is done when they do not. Pure.
 *
 * Epic's library says nothing when a peer connection fails. A failed one is replaced by a new offer from the same
 * instance, some times in a row; then the page says that nothing gets through.
 */

export interface Health {
    /** Peer connections in a row that came to nothing. */
    readonly fruitless: number;
    /** A picture was shown at some time. */
    readonly played: boolean;
    /** None that counts: the next offer brings one. */
    readonly state: 'none' | 'negotiating' | 'connected' | 'doubtful';
}

export type MediaHappening =
    | { readonly kind: 'offered' }
    | { readonly kind: 'state'; readonly state: RTCPeerConnectionState }
    /** Another offer is asked for: what still happens to the peer connection that there is counts no more. */
    | { readonly kind: 'replaced' }
    | { readonly kind: 'frame' }
    | { readonly kind: 'due' };

export type MediaEffect =
    | { readonly do: 'wait'; readonly seconds: number }
    | { readonly do: 'rest' }
    | { readonly do: 'standing'; readonly stands: boolean }
    | { readonly do: 'renew' }
    | { readonly do: 'fail' };

export const NO_MEDIA: Health = { fruitless: 0, played: false, state: 'none' };

/** How long a negotiation may take: ICE tries relays for many seconds. */
const NEGOTIATION_SECONDS = 20;
/** How long a way that has gone silent may take to come back by itself. */
const SILENCE_SECONDS = 5;
/** A first connection that fails twice is blocked; one that has worked deserves more. */
const MOST_FRUITLESS = { before: 2, after: 4 };

/** What follows from what has happened. */
export function watchMedia(health: Health, happening: MediaHappening): readonly [Health, readonly MediaEffect[]] {
    switch (happening.kind) {
        case 'offered':
            return [{ ...health, state: 'negotiating' }, [{ do: 'wait', seconds: NEGOTIATION_SECONDS }]];
        case 'replaced':
            return [{ ...health, state: 'none' }, [{ do: 'rest' }, { do: 'standing', stands: false }]];
        case 'frame':
            return [{ ...health, fruitless: 0, played: true }, []];
        case 'due':
            return health.state === 'connected' || health.state === 'none' ? [health, []] : broken(health);
        case 'state':
            return health.state === 'none' ? [health, []] : ofState(health, happening.state);
    }
}

function ofState(health: Health, state: RTCPeerConnectionState): readonly [Health, readonly MediaEffect[]] {
    switch (state) {
        case 'connected':
            return [{ ...health, state: 'connected' }, [{ do: 'rest' }, { do: 'standing', stands: true }]];
        case 'disconnected':
            return health.state === 'connected'
                ? [{ ...health, state: 'doubtful' }, [{ do: 'wait', seconds: SILENCE_SECONDS }]]
                : [health, []];
        case 'failed':
            return broken(health);
        default:
            return [health, []];
    }
}

function broken(health: Health): readonly [Health, readonly MediaEffect[]] {
    const fruitless = health.fruitless + 1;
    const enough = fruitless >= (health.played ? MOST_FRUITLESS.after : MOST_FRUITLESS.before);
    return [
        { ...health, fruitless, state: 'none' },
        [{ do: 'rest' }, { do: 'standing', stands: false }, { do: enough ? 'fail' : 'renew' }]
    ];
}
