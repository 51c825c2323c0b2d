/** The audit log as far as it has been read: its newest page as it comes, and older ones as they are asked for. Pure. */
import type { AuditEntry } from '../api/types';

export interface AuditPage {
    readonly items: readonly AuditEntry[];
    readonly next?: string | null;
}

export interface Read {
    /** The newest first, and none left out between them. */
    readonly entries: readonly AuditEntry[];
    /** There is nothing older. */
    readonly whole: boolean;
}

export const NOTHING: Read = { entries: [], whole: false };

/** With the newest page. One that does not reach what was read before is begun with anew: what is between is unknown. */
export function renewed(read: Read, newest: readonly AuditEntry[]): Read {
    const fresh = unknown(read, newest);
    if (fresh.length === newest.length) {
        return { entries: newest, whole: false };
    }
    return fresh.length === 0 ? read : { ...read, entries: [...fresh, ...read.entries] };
}

/** With the page after an entry, unless that is no longer the oldest. */
export function continued(read: Read, after: string, page: AuditPage): Read {
    if (oldest(read) !== after) {
        return read;
    }
    return { entries: [...read.entries, ...unknown(read, page.items)], whole: (page.next ?? null) === null };
}

/** The id of the oldest entry; empty where there is none. */
export function oldest(read: Read): string {
    return read.entries.at(-1)?.id ?? '';
}

function unknown(read: Read, entries: readonly AuditEntry[]): AuditEntry[] {
    const known = new Set(read.entries.map((each) => each.id));
    return entries.filter((each) => !known.has(each.id));
}
