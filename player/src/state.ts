/** What the page knows about its session. Pure: no DOM, no network; words.ts says it to a person. */
import type { FromServer, Limits, Participant, Reason, Role, SessionState } from './session/messages';
import type { Cause } from './session/resumption';

/** How a session came to its end, or came to nothing. */
export type End =
    | { readonly kind: 'ended'; readonly reason: Reason | null; readonly message: string }
    | { readonly kind: 'failed'; readonly reason: Reason | null; readonly message: string; readonly retry: boolean }
    /** The connection is gone and nobody said why by a message of the session. */
    | { readonly kind: 'closed'; readonly cause: Cause; readonly message: string }
    /** Picture and sound have no way to get through. */
    | { readonly kind: 'media'; readonly played: boolean }
    | { readonly kind: 'left' }
    | { readonly kind: 'redirect'; readonly url: string; readonly ticket: string };

/** How far a start has come. */
export type StartStep = 'instance' | 'offer' | 'media';

export type Stage =
    | { readonly kind: 'idle' }
    | { readonly kind: 'connecting' }
    | { readonly kind: 'queued'; readonly position: number; readonly estimateSeconds: number | null }
    | { readonly kind: 'starting'; readonly step: StartStep }
    /** The browser plays only after a click or a key. */
    | { readonly kind: 'blocked' }
    | { readonly kind: 'playing' }
    | { readonly kind: 'over'; readonly end: End };

/** The session ends at a time (milliseconds), unless something is done. */
export interface Warning {
    readonly reason: Reason | null;
    readonly until: number;
}

export interface Invitation {
    readonly ticket: string;
    readonly role: Role;
    readonly until: number;
}

export interface Session {
    readonly stage: Stage;
    /** The signalling connection is lost and being mended; the picture goes on. */
    readonly lost: boolean;
    /** Media is negotiated anew. */
    readonly mending: boolean;
    readonly limits: Limits | null;
    readonly warning: Warning | null;
    readonly you: string;
    readonly players: readonly Participant[];
    /** The spectator that asks for control. */
    readonly request: string | null;
    /** This spectator has asked for control. */
    readonly asked: boolean;
    readonly invitation: Invitation | null;
    /** The application asks for text, which starts as this. */
    readonly textWanted: string | null;
}

export type Happening =
    | { readonly kind: 'connect' }
    | { readonly kind: 'message'; readonly message: FromServer }
    | { readonly kind: 'lost' }
    | { readonly kind: 'back' }
    | { readonly kind: 'mending' }
    | { readonly kind: 'finished'; readonly cause: Cause; readonly message: string }
    | { readonly kind: 'offer' }
    | { readonly kind: 'connected' }
    | { readonly kind: 'frame' }
    | { readonly kind: 'play-refused' }
    | { readonly kind: 'subscribe-refused'; readonly message: string }
    | { readonly kind: 'media-failed' }
    | { readonly kind: 'left' }
    | { readonly kind: 'asked' }
    | { readonly kind: 'request-answered' }
    | { readonly kind: 'invitation-closed' }
    | { readonly kind: 'text-wanted'; readonly contents: string | null };

export const INITIAL: Session = {
    stage: { kind: 'idle' },
    lost: false,
    mending: false,
    limits: null,
    warning: null,
    you: '',
    players: [],
    request: null,
    asked: false,
    invitation: null,
    textWanted: null
};

/** What goes with an instance: nothing of it may stand before the end, or before the queue for another one. */
const GONE = { mending: false, warning: null, request: null, textWanted: null } as const;

/** The session after something happened at a time, in milliseconds. What is over stays so until a new attempt. */
export function next(session: Session, happening: Happening, now: number): Session {
    if (happening.kind === 'connect') {
        return { ...INITIAL, stage: { kind: 'connecting' } };
    }
    if (session.stage.kind === 'over') {
        return session;
    }
    switch (happening.kind) {
        case 'message':
            return ofMessage(session, happening.message, now);
        case 'lost':
            return { ...session, lost: true };
        case 'back':
            return { ...session, lost: false };
        case 'mending':
            return session.stage.kind === 'playing' ? { ...session, mending: true } : session;
        case 'offer':
            return starting(session, 'offer');
        case 'connected':
            return starting(session, 'media');
        case 'frame':
            return { ...session, stage: { kind: 'playing' }, mending: false };
        case 'play-refused':
            return { ...session, stage: { kind: 'blocked' } };
        case 'finished':
            return over(session, { kind: 'closed', cause: happening.cause, message: happening.message });
        case 'subscribe-refused':
            return over(session, { kind: 'failed', reason: null, message: happening.message, retry: true });
        case 'media-failed':
            return over(session, { kind: 'media', played: session.stage.kind === 'playing' });
        case 'left':
            return over(session, { kind: 'left' });
        case 'asked':
            return { ...session, asked: true };
        case 'request-answered':
            return { ...session, request: null };
        case 'invitation-closed':
            return { ...session, invitation: null };
        case 'text-wanted':
            return { ...session, textWanted: happening.contents };
    }
}

function ofMessage(session: Session, message: FromServer, now: number): Session {
    switch (message.type) {
        case 'sessionTicket':
            return session;
        case 'sessionState':
            return ofState(session, message.state, now);
        case 'sessionPlayers': {
            const { you, players } = message;
            const owner = players.some((each) => each.player === you && each.role === 'owner');
            const gone = !players.some((each) => each.player === session.request && each.connected);
            return {
                ...session,
                you,
                players,
                request: gone || !owner ? null : session.request,
                asked: session.asked && !owner
            };
        }
        case 'sessionControlRequested':
            return { ...session, request: message.player };
        case 'sessionInvitation': {
            const { ticket, role, seconds } = message;
            return { ...session, invitation: { ticket, role, until: now + seconds * 1000 } };
        }
    }
}

function ofState(session: Session, state: SessionState, now: number): Session {
    switch (state.state) {
        case 'queued':
            return {
                ...session,
                stage: { kind: 'queued', position: state.position, estimateSeconds: state.estimateSeconds },
                ...GONE
            };
        case 'starting':
            return starting(session, 'instance');
        case 'ready':
        case 'resumed':
            return {
                ...session,
                limits: state.limits,
                warning: null,
                // What was told of this player before is older: a hand-over goes on without who is away for a moment.
                players: session.players.map((each) =>
                    each.player === session.you ? { ...each, role: state.limits.role } : each
                )
            };
        case 'ending':
            return { ...session, warning: { reason: state.reason, until: now + state.seconds * 1000 } };
        case 'ended':
            return over(session, { kind: 'ended', reason: state.reason, message: state.message });
        case 'failed':
            if (state.reason === 'instance_failed' && session.stage.kind === 'playing') {
                return over(session, { kind: 'ended', reason: state.reason, message: state.message });
            }
            return over(session, {
                kind: 'failed',
                reason: state.reason,
                message: state.message,
                retry: state.retry
            });
        case 'redirect':
            return over(session, { kind: 'redirect', url: state.url, ticket: state.ticket });
    }
}

const ORDER: readonly StartStep[] = ['instance', 'offer', 'media'];

/** A start that has come so far, never less far than it was; a stream that plays goes on playing. */
function starting(session: Session, step: StartStep): Session {
    const { stage } = session;
    if (stage.kind === 'playing' || stage.kind === 'blocked') {
        return session;
    }
    const further = stage.kind === 'starting' && ORDER.indexOf(stage.step) > ORDER.indexOf(step) && step !== 'instance';
    return further ? session : { ...session, stage: { kind: 'starting', step } };
}

function over(session: Session, end: End): Session {
    return { ...session, ...GONE, stage: { kind: 'over', end }, lost: false };
}

/** What this player may do; null while nobody has said it. */
export function roleOf(session: Session): Role | null {
    return session.players.find((each) => each.player === session.you)?.role ?? session.limits?.role ?? null;
}

/** Whether the role that the others are told is another one than media was negotiated for. */
export function roleChanged(session: Session): boolean {
    const role = roleOf(session);
    return session.limits !== null && role !== null && role !== session.limits.role;
}

/** The others who take part now. */
export function others(session: Session): readonly Participant[] {
    return session.players.filter((each) => each.player !== session.you && each.connected);
}
