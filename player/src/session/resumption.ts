/**
 * How one signalling connection outlives its sockets. Pure: what happened in, the next state and what to do out.
 *
 * Epic's library sees a single connection that opens once and closes once. Beneath it sockets come and go: a new one
 * begins with the ticket, and either everything goes on (`fresh: false`, the peer connection stands), or the library
 * gets a new `config` and asks for its streamer once more (`fresh: true`).
 */
import { fieldsOf, isOfSession, read, type FromPlayer, type FromServer, type Reason } from './messages';

export type Phase =
    /** A socket is being opened. */
    | 'connecting'
    /** It is open and the ticket is handed in; all goes on once the service says so. */
    | 'resuming'
    /** It is open and a new offer is wanted; the service's config comes first. */
    | 'renewing'
    | 'open'
    /** Lost; the next attempt waits for its time. */
    | 'waiting'
    | 'closed';

/** A ticket, and the session that it brings back to. */
export interface Ticket {
    readonly ticket: string;
    readonly session: string;
}

export interface Connection {
    readonly phase: Phase;
    /** The library has been told that its connection is open. */
    readonly opened: boolean;
    readonly ticket: Ticket | null;
    /** The ticket was handed in on this socket: one for another session is not what becomes of it. */
    readonly shown: boolean;
    /** How often an instance has died before its first picture. */
    readonly relapses: number;
    /** The peer connection stands: nothing has to be negotiated after a loss. */
    readonly standing: boolean;
    /** The service has said that the session is over; nothing follows the close of the socket. */
    readonly over: boolean;
    /** The service does not take back who comes back like this, or now: the close of this socket is one more loss. */
    readonly refused: boolean;
    /** Frames of the library that no socket could take. */
    readonly kept: readonly string[];
    /** The library's ping that has no answer yet. Without one before its next it gives the connection up. */
    readonly ping: unknown;
    /** A config that was held back while it is not clear whether all goes on. */
    readonly config: string | null;
    readonly tries: number;
    /** When the connection was lost, or first tried, in milliseconds; null once the service goes on with it. */
    readonly since: number | null;
    readonly graceSeconds: number;
}

export type Happening =
    | { readonly kind: 'opened' }
    | { readonly kind: 'frame'; readonly data: string }
    | { readonly kind: 'dropped'; readonly code: number; readonly reason: string; readonly now: number }
    | { readonly kind: 'due'; readonly now: number }
    /** The browser has a network again: whatever socket there was is not to be trusted. */
    | { readonly kind: 'network'; readonly now: number }
    /** Somebody looks at the page again: no reason to wait on. */
    | { readonly kind: 'seen' }
    | { readonly kind: 'send'; readonly data: string }
    | { readonly kind: 'say'; readonly message: FromPlayer }
    | { readonly kind: 'standing'; readonly stands: boolean }
    /** A new offer is wanted: the role, the microphone or the way of the media has changed. */
    | { readonly kind: 'renew'; readonly now: number }
    /** The library closes; without a code because a ping had no answer. */
    | { readonly kind: 'close'; readonly code: number | undefined; readonly reason: string; readonly now: number };

/** Why a connection is closed for good. */
export type Cause =
    /** The service has said why, by a message. */
    | 'told'
    /** The service closed it. */
    | 'refused'
    /** It never opened. */
    | 'unreachable'
    /** It was lost, and did not come back in time. */
    | 'lost'
    /** The library closed it. */
    | 'left';

export type Effect =
    | { readonly do: 'connect' }
    /** Close the socket; nothing that it still says counts. */
    | { readonly do: 'cut' }
    | { readonly do: 'transmit'; readonly data: string }
    | { readonly do: 'deliver'; readonly data: string }
    | { readonly do: 'announce'; readonly message: FromServer }
    | { readonly do: 'open' }
    | { readonly do: 'lost' }
    | { readonly do: 'back' }
    /** The peer connection is of no use any more. */
    | { readonly do: 'renew' }
    /** Say `due` after so many seconds, in the place of an earlier one. */
    | { readonly do: 'wait'; readonly seconds: number }
    /** Say `due` after the pause for an attempt of this number. */
    | { readonly do: 'back off'; readonly tries: number }
    | { readonly do: 'rest' }
    | { readonly do: 'finish'; readonly cause: Cause; readonly code: number; readonly reason: string };

export type Step = readonly [Connection, readonly Effect[]];

/** How long an attempt may take. */
export const ATTEMPT_SECONDS = 8;
/** How long a service that never answered is tried. */
export const UNREACHABLE_SECONDS = 20;
/** How long a place in the queue, or a session whose grace is not known, is tried for. */
export const QUEUE_SECONDS = 60;
/** What is added to the grace: the service's clock starts later than ours. */
const MARGIN_SECONDS = 10;
const MOST_KEPT = 256;
const MOST_RELAPSES = 3;
/** Abnormal closure, no code, restart, bad gateway, TLS: the socket went, the session did not. */
const LOSSES = new Set([1005, 1006, 1012, 1014, 1015]);
/** Why a service takes nobody at the moment, whoever comes: of a session that goes on it says nothing. */
const BUSY: ReadonlySet<Reason | null> = new Set<Reason>(['full', 'rate_limited']);
/** Tells Epic's library not to connect again by itself. */
const GOING_AWAY = 1001;
const FIRST_PAUSE = 0.3;
const LONGEST_PAUSE = 5;

/** A connection that is about to be opened; with a ticket to come back to where a page of this tab was before. */
export function begin(ticket: Ticket | null, now: number): Step {
    const connection: Connection = {
        phase: 'connecting',
        opened: false,
        ticket,
        shown: false,
        relapses: 0,
        standing: false,
        over: false,
        refused: false,
        kept: [],
        ping: null,
        config: null,
        tries: 0,
        since: now,
        graceSeconds: 0
    };
    return [connection, [{ do: 'connect' }, { do: 'wait', seconds: ATTEMPT_SECONDS }]];
}

/** The pause before an attempt, in seconds: the first one within a second, then longer; `random` from 0 to 1. */
export function pause(tries: number, random: number): number {
    return Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** tries) * (0.5 + random / 2);
}

/** What follows from what has happened. */
export function step(connection: Connection, happening: Happening): Step {
    if (connection.phase === 'closed') {
        return [connection, []];
    }
    switch (happening.kind) {
        case 'opened':
            return opened(connection);
        case 'frame':
            return frame(connection, happening.data);
        case 'dropped':
            return dropped(connection, happening.code, happening.reason, happening.now);
        case 'due':
            return due(connection, happening.now);
        case 'network':
            return network(connection, happening.now);
        case 'seen':
            return connection.phase === 'waiting' ? reconnect(connection) : [connection, []];
        case 'send':
            return send(connection, happening.data);
        case 'say':
            return connection.phase === 'open' ? [connection, [transmit(happening.message)]] : [connection, []];
        case 'standing':
            return [{ ...connection, standing: happening.stands }, []];
        case 'renew':
            return renew(connection, happening.now);
        case 'close':
            return happening.code === undefined
                ? abandon(connection, happening.now)
                : finish(connection, 'left', happening.code, happening.reason, [{ do: 'cut' }]);
    }
}

function opened(connection: Connection): Step {
    const { ticket, standing } = connection;
    const resume =
        ticket === null ? [] : [transmit({ type: 'sessionResume', ticket: ticket.ticket, fresh: !standing })];
    const next: Connection = { ...connection, shown: ticket !== null };
    if (!connection.opened) {
        const first: Connection = { ...next, phase: 'open', opened: true, tries: 0, since: null };
        return [first, [{ do: 'rest' }, ...resume, { do: 'open' }]];
    }
    if (standing) {
        return [{ ...next, phase: 'resuming' }, resume];
    }
    return [{ ...next, phase: 'renewing', kept: [] }, [...resume, { do: 'renew' }]];
}

function frame(connection: Connection, data: string): Step {
    const fields = fieldsOf(data);
    if (fields !== null && isOfSession(fields)) {
        const message = read(fields);
        return message === null ? [connection, []] : ofSession(connection, message);
    }
    if (fields?.['type'] === 'config') {
        if (connection.phase === 'resuming') {
            return [{ ...connection, config: data }, []];
        }
        if (connection.phase === 'renewing') {
            return anew(connection, data);
        }
    }
    const answered = fields?.['type'] === 'pong';
    return [answered ? { ...connection, ping: null } : connection, [{ do: 'deliver', data }]];
}

function ofSession(connection: Connection, message: FromServer): Step {
    const announce: Effect = { do: 'announce', message };
    if (message.type === 'sessionTicket') {
        // Before it has looked at the one that was handed in, the service gives everybody one for a new session.
        return connection.shown && message.session !== connection.ticket?.session
            ? [connection, []]
            : [{ ...connection, ticket: { ticket: message.ticket, session: message.session } }, [announce]];
    }
    if (message.type !== 'sessionState') {
        return [connection, [announce]];
    }
    const state = message.state;
    // Not before this: a config alone comes from a service that may know nothing of the session any more.
    const taken: Connection = { ...connection, tries: 0, since: null };
    switch (state.state) {
        case 'ready':
        case 'resumed': {
            const known = { ...taken, graceSeconds: state.limits.graceSeconds };
            if (connection.phase !== 'resuming') {
                return [known, [announce]];
            }
            return connection.standing ? goOn(known, announce) : comeAnew(known, [announce]);
        }
        case 'queued':
        case 'starting':
            if (connection.phase === 'resuming' && connection.config !== null) {
                // There is no instance to go on with: what stood is of no use.
                const [next, effects] = anew({ ...taken, standing: false, kept: [] }, connection.config);
                return [next, [announce, { do: 'renew' }, ...effects]];
            }
            return [taken, [announce]];
        case 'failed':
            if (comesAgain(connection, state.reason, state.retry)) {
                return [{ ...connection, relapses: connection.relapses + 1 }, []];
            }
            if (connection.phase === 'resuming' && state.reason === 'session_over') {
                // The streamer may know this player no longer, and the session be there for a new offer.
                return [{ ...connection, standing: false, refused: true }, []];
            }
            if (connection.shown && state.retry && BUSY.has(state.reason)) {
                return [{ ...connection, refused: true }, []];
            }
            return [{ ...connection, over: true, ticket: null }, [announce]];
        case 'ended':
        case 'redirect':
            return [{ ...connection, over: true, ticket: null }, [announce]];
        case 'ending':
            return [connection, [announce]];
    }
}

/** An instance that dies before the first picture costs nothing: the ticket keeps its place, at the queue's head. */
function comesAgain(connection: Connection, reason: Reason | null, retry: boolean): boolean {
    return reason === 'instance_failed' && retry && !connection.standing && connection.relapses < MOST_RELAPSES;
}

/** The same player as before: what was kept goes out, and the library has noticed nothing. */
function goOn(connection: Connection, announce: Effect): Step {
    const kept = connection.kept.map((data): Effect => ({ do: 'transmit', data }));
    return [
        { ...connection, phase: 'open', kept: [], config: null },
        [{ do: 'rest' }, announce, { do: 'back' }, ...kept]
    ];
}

/** A new config for the library, and its question for the streamers in its place: it asks only when it opens. */
function anew(connection: Connection, config: string): Step {
    return [
        { ...connection, phase: 'open', config: null },
        [
            { do: 'rest' },
            { do: 'deliver', data: config },
            { do: 'transmit', data: '{"type":"listStreamers"}' },
            { do: 'back' }
        ]
    ];
}

function dropped(connection: Connection, code: number, reason: string, now: number): Step {
    if (connection.over) {
        return finish(connection, 'told', code, reason);
    }
    if (!LOSSES.has(code) && !connection.refused) {
        return finish(connection, 'refused', code, reason);
    }
    return lost(connection, code, now, []);
}

function lost(connection: Connection, code: number, now: number, before: readonly Effect[]): Step {
    if (connection.opened && connection.ticket === null) {
        return finish(connection, 'lost', code, '', before);
    }
    const since = connection.since ?? now;
    if (now - since > patience(connection) * 1000) {
        return finish(connection, connection.opened ? 'lost' : 'unreachable', code, '', before);
    }
    const told: Effect[] = connection.phase === 'open' ? [{ do: 'lost' }] : [];
    const next: Connection = { ...connection, phase: 'waiting', since, tries: connection.tries + 1, config: null };
    const [quiet, pong] = answerPing(next);
    return [quiet, [...before, ...told, ...pong, { do: 'back off', tries: connection.tries }]];
}

/** How long a loss is borne, in seconds. */
function patience(connection: Connection): number {
    if (!connection.opened) {
        return UNREACHABLE_SECONDS;
    }
    return connection.graceSeconds === 0 ? QUEUE_SECONDS : connection.graceSeconds + MARGIN_SECONDS;
}

function due(connection: Connection, now: number): Step {
    switch (connection.phase) {
        case 'waiting':
            return reconnect(connection);
        case 'connecting':
        case 'resuming':
        case 'renewing':
            return lost(connection, 1006, now, [{ do: 'cut' }]);
        default:
            return [connection, []];
    }
}

function network(connection: Connection, now: number): Step {
    return connection.phase === 'waiting' ? reconnect(connection) : abandon(connection, now);
}

/** Give up a socket that says nothing, and come again. */
function abandon(connection: Connection, now: number): Step {
    return connection.phase === 'open' && connection.ticket !== null
        ? lost(connection, 1006, now, [{ do: 'cut' }])
        : [connection, []];
}

function renew(connection: Connection, now: number): Step {
    if (connection.phase !== 'open' || connection.ticket === null) {
        return [{ ...connection, standing: false }, []];
    }
    return comeAnew({ ...connection, since: connection.since ?? now }, []);
}

/** On a new socket, for a new offer: what there is of a peer connection is of no use. */
function comeAnew(connection: Connection, before: readonly Effect[]): Step {
    const [next, effects] = reconnect({ ...connection, standing: false, config: null, tries: 1 });
    return [next, [...before, { do: 'cut' }, ...effects]];
}

function reconnect(connection: Connection): Step {
    return [
        { ...connection, phase: 'connecting', refused: false },
        [{ do: 'connect' }, { do: 'wait', seconds: ATTEMPT_SECONDS }]
    ];
}

function send(connection: Connection, data: string): Step {
    const fields = fieldsOf(data);
    if (fields?.['type'] === 'ping') {
        const next = { ...connection, ping: fields['time'] };
        return connection.phase === 'open' ? [next, [{ do: 'transmit', data }]] : answerPing(next);
    }
    switch (connection.phase) {
        case 'open':
            return [connection, [{ do: 'transmit', data }]];
        case 'renewing':
            // It is about the peer connection that goes.
            return [connection, []];
        default:
            return [{ ...connection, kept: [...connection.kept, data].slice(-MOST_KEPT) }, []];
    }
}

/** Answer the library's ping in the service's place, so that it bears the loss. */
function answerPing(connection: Connection): Step {
    if (connection.ping === null) {
        return [connection, []];
    }
    const data = JSON.stringify({ type: 'pong', time: connection.ping });
    return [{ ...connection, ping: null }, [{ do: 'deliver', data }]];
}

function finish(
    connection: Connection,
    cause: Cause,
    code: number,
    reason: string,
    before: readonly Effect[] = []
): Step {
    return [
        { ...connection, phase: 'closed', kept: [] },
        [{ do: 'rest' }, ...before, { do: 'finish', cause, code, reason }]
    ];
}

/** The code that the library is closed with. */
export const CLOSE_CODE = GOING_AWAY;

function transmit(message: FromPlayer): Effect {
    return { do: 'transmit', data: JSON.stringify(message) };
}
