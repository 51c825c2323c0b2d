/** Sessions as rows of a table: what the service says of each, joined with what its instance and its node say. Pure. */
import type { Node, Player, Session, SessionState } from '../api/types';
import { gpuWords } from './words';
import { qualityOf, type Quality, type Verdict } from './quality';

export interface Row {
    readonly id: string;
    readonly session: Session;
    /** Who logged in; empty for nobody in particular. */
    readonly who: string;
    readonly state: SessionState;
    /** What its node has for a GPU; null where nobody knows. */
    readonly gpu: string | null;
    /** Everybody who takes part; null where its instance has not told yet. */
    readonly players: readonly Player[] | null;
    /** Those who watch, connected. */
    readonly spectators: number;
    /** The owner's. */
    readonly quality: Quality | null;
    /** When it began, or began to wait, in milliseconds. */
    readonly since: number | null;
}

/** Rows for the sessions; `played` is an older list of them with who takes part. */
export function rowsOf(
    sessions: readonly Session[],
    played: readonly Session[] | null,
    nodes: readonly Node[] | null
): Row[] {
    const told = new Map((played ?? []).map((each) => [each.id, each]));
    const shapes = new Map((nodes ?? []).map((each) => [each.name, each.shape]));
    return sessions.map((session) => rowOf(session, told.get(session.id), shapes));
}

function rowOf(session: Session, told: Session | undefined, shapes: ReadonlyMap<string, string>): Row {
    const players = session.players ?? told?.players ?? null;
    const owner = players?.find((each) => each.role === 'owner');
    const since = session.started ?? session.joined;
    // Only its instance tells whether anybody is there; that it is being ended is known at once.
    const refined = session.state === 'running' && told !== undefined && told.instance === session.instance;
    return {
        id: session.id,
        session,
        who: session.subject,
        state: refined && told.state !== 'queued' ? told.state : session.state,
        gpu: gpuWords(session.node === null ? '' : (shapes.get(session.node) ?? ''), session.gpu),
        players,
        spectators: players?.filter((each) => each.role === 'spectator' && each.connected).length ?? 0,
        quality: owner === undefined ? null : qualityOf(owner),
        since: since === null ? null : Date.parse(since)
    };
}

export interface Filter {
    /** In any of a session's names. */
    readonly text: string;
    readonly application: string;
    readonly state: SessionState | '';
    readonly quality: Verdict | '';
}

export const EVERYTHING: Filter = { text: '', application: '', state: '', quality: '' };

/** The rows that a filter lets through. */
export function filtered(rows: readonly Row[], filter: Filter): Row[] {
    const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
    return rows.filter((row) => {
        const { session } = row;
        const names = [row.who, session.id, session.application, session.version, session.instance, session.node]
            .join('\n')
            .toLowerCase();
        return (
            (filter.application === '' || session.application === filter.application) &&
            (filter.state === '' || row.state === filter.state) &&
            (filter.quality === '' || row.quality?.verdict === filter.quality) &&
            words.every((word) => names.includes(word))
        );
    });
}

/** Players that are seen to use each relay, by its address. */
export function relayed(rows: readonly Row[]): Map<string, number> {
    const counts = new Map<string, number>();
    for (const player of rows.flatMap((row) => row.players ?? [])) {
        const turn = qualityOf(player)?.turn ?? null;
        if (turn !== null) {
            counts.set(turn, (counts.get(turn) ?? 0) + 1);
        }
    }
    return counts;
}
