/** What a person reads in each state of a session, and what they can do about it. Pure. */
import type { Reason } from './session/messages';
import type { End, Stage, Warning } from './state';
import { timeOf, type Texts } from './texts';

export type Action = 'connect' | 'play' | 'again' | 'retry' | 'login' | 'leaveQueue';

export interface Words {
    readonly title: string;
    readonly detail: string;
    /** The way on; none where something goes on by itself. */
    readonly actions: readonly Action[];
    /** Something goes on by itself. */
    readonly busy: boolean;
    /** How far it has come, from 0 to 1; null where nobody knows. */
    readonly progress: number | null;
    /** The stack's other regions are worth a try. */
    readonly elsewhere: boolean;
    /** An address to go on at. */
    readonly goTo: { readonly label: string; readonly url: string } | null;
}

const NOTHING: Omit<Words, 'title' | 'detail'> = {
    actions: [],
    busy: false,
    progress: null,
    elsewhere: false,
    goTo: null
};

const PROGRESS = { instance: 0.25, offer: 0.5, media: 0.8 } as const;

/** The words for a stage; `canLogIn` says whether this page has somewhere to log in. */
export function words(stage: Stage, texts: Texts, canLogIn: boolean): Words {
    switch (stage.kind) {
        case 'idle':
            return { ...NOTHING, ...texts.idle, actions: ['connect'] };
        case 'connecting':
            return { ...NOTHING, ...texts.connecting, busy: true };
        case 'queued': {
            const { position, estimateSeconds } = stage;
            const detail = estimateSeconds === null ? texts.queued.unknown : texts.queued.wait(estimateSeconds);
            return { ...NOTHING, title: texts.queued.title(position), detail, busy: true, actions: ['leaveQueue'] };
        }
        case 'starting': {
            const { title } = texts.starting;
            return {
                ...NOTHING,
                title,
                detail: texts.starting[stage.step],
                busy: true,
                progress: PROGRESS[stage.step]
            };
        }
        case 'blocked':
            return { ...NOTHING, ...texts.blocked, actions: ['play'] };
        case 'playing':
            return { ...NOTHING, ...texts.playing };
        case 'over':
            return ofEnd(stage.end, texts, canLogIn);
    }
}

function ofEnd(end: End, texts: Texts, canLogIn: boolean): Words {
    switch (end.kind) {
        case 'ended':
            return { ...NOTHING, ...explained(texts.ended, end.reason, end.message), actions: ['again'] };
        case 'failed':
            return ofFailure(end.reason, end.message, end.retry, texts, canLogIn);
        case 'closed':
            return ofClosed(end, texts);
        case 'media':
            return { ...NOTHING, ...(end.played ? texts.mediaLost : texts.mediaBlocked), actions: ['retry'] };
        case 'left':
            return { ...NOTHING, ...texts.left, actions: ['again'] };
        case 'redirect': {
            const goTo = { label: texts.redirect.named(new URL(end.url).host), url: end.url };
            return { ...NOTHING, title: texts.redirect.title, detail: texts.redirect.detail, goTo };
        }
    }
}

const NEEDS_LOGIN: readonly (Reason | null)[] = ['login_required', 'login_refused'];
const LOGIN_OF_ANOTHER: Reason = 'forbidden';
const ELSEWHERE: readonly (Reason | null)[] = ['full', 'queue_full', 'paused', 'no_instance'];
const NEW_SESSION: Reason = 'session_over';

function ofFailure(reason: Reason | null, message: string, retry: boolean, texts: Texts, canLogIn: boolean): Words {
    const said = { ...NOTHING, ...explained(texts.failed, reason, message), elsewhere: ELSEWHERE.includes(reason) };
    if (canLogIn && (NEEDS_LOGIN.includes(reason) || reason === LOGIN_OF_ANOTHER)) {
        return { ...said, actions: ['login'] };
    }
    if (reason === NEW_SESSION) {
        return { ...said, actions: ['again'] };
    }
    // Without sense in another try the words say whom to ask.
    return { ...said, actions: retry ? ['retry'] : [] };
}

function ofClosed(end: End & { kind: 'closed' }, texts: Texts): Words {
    switch (end.cause) {
        case 'unreachable':
            return { ...NOTHING, ...texts.unreachable, actions: ['retry'] };
        case 'lost':
            return { ...NOTHING, ...texts.lostForGood, actions: ['again'] };
        case 'left':
            return { ...NOTHING, ...texts.left, actions: ['again'] };
        case 'refused':
        case 'told':
            return { ...NOTHING, ...texts.refused, detail: end.message || texts.refused.detail, actions: ['retry'] };
    }
}

type Explanations = Readonly<Partial<Record<Reason, Explanation>>> & { readonly other: Explanation };

interface Explanation {
    readonly title: string;
    readonly detail: string;
}

/** Our words for a known reason; for another one the service's own. */
function explained(known: Explanations, reason: Reason | null, message: string): Explanation {
    const ours = reason === null ? undefined : known[reason];
    return ours ?? { title: known.other.title, detail: message || known.other.detail };
}

/** The words of a warning, at a time in milliseconds. */
export function warningWords(warning: Warning, texts: Texts, now: number): { title: string; detail: string } {
    const { reason } = warning;
    const known = reason !== null && reason in texts.warnings ? (reason as keyof Texts['warnings']) : 'other';
    const { title, detail } = texts.warnings[known];
    return { title, detail: detail(timeOf(texts, (warning.until - now) / 1000)) };
}
