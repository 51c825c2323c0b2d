/** What a tab keeps over a reload: its ticket, and the credentials that were in its link. Gone with the tab. */
import type { Credentials } from '../link';
import type { Ticket } from './resumption';

/** The part of the browser's storage that is used; a page whose storage is refused keeps nothing. */
export interface Storage {
    getItem(key: string): string | null;
    setItem(key: string, value: string): void;
    removeItem(key: string): void;
}

const TICKET = 'pixel-ticket';
const CREDENTIALS = 'pixel-credentials';

/** The tab's ticket for an application, or null. */
export function keptTicket(storage: Storage, application: string | null): Ticket | null {
    const kept = parsed(storage.getItem(TICKET));
    if (kept === null || (kept['application'] ?? null) !== application) {
        return null;
    }
    const { ticket, session } = kept;
    return typeof ticket === 'string' && typeof session === 'string' ? { ticket, session } : null;
}

/** Keep a ticket in the place of an earlier one; null forgets it. */
export function keepTicket(storage: Storage, application: string | null, ticket: Ticket | null): void {
    if (ticket === null) {
        storage.removeItem(TICKET);
    } else {
        storage.setItem(TICKET, JSON.stringify({ application, ...ticket }));
    }
}

/** The tab's credentials; a link ticket counts once and is not among them. */
export function keptCredentials(storage: Storage): Credentials {
    const kept = parsed(storage.getItem(CREDENTIALS))?.['tokens'];
    const tokens: readonly unknown[] = Array.isArray(kept) ? kept : [];
    return { tokens: tokens.filter((token): token is string => typeof token === 'string'), ticket: null };
}

/** Keep login tokens in the place of earlier ones; none forgets them. */
export function keepTokens(storage: Storage, tokens: readonly string[]): void {
    if (tokens.length === 0) {
        storage.removeItem(CREDENTIALS);
    } else {
        storage.setItem(CREDENTIALS, JSON.stringify({ tokens }));
    }
}

function parsed(text: string | null): Record<string, unknown> | null {
    try {
        const value: unknown = JSON.parse(text ?? 'null');
        return typeof value === 'object' ? (value as Record<string, unknown> | null) : null;
    } catch {
        return null;
    }
}

/** The browser's storage of a kind; one that forgets everything where it is refused, as in some frames. */
export function storageOf(kind: 'sessionStorage' | 'localStorage'): Storage {
    try {
        const storage = window[kind];
        storage.getItem(TICKET);
        return storage;
    } catch {
        const memory = new Map<string, string>();
        return {
            getItem: (key) => memory.get(key) ?? null,
            setItem: (key, value) => {
                memory.set(key, value);
            },
            removeItem: (key) => {
                memory.delete(key);
            }
        };
    }
}
