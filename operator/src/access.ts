/** Who operates: the admin key and a name, in this tab only, until it is closed or signed out of. */
import type { Credentials } from './api/client';

const KEY = 'pixel-operator.key';
const NAME = 'pixel-operator.name';
export const LONGEST_NAME = 64;

/** What sessionStorage is used for; it may be refused, and then a reload asks anew. */
export type Kept = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

export class Access {
    constructor(private readonly kept: Kept | null) {}

    /** The credentials that this tab was given; null where there are none. */
    read(): Credentials | null {
        const key = this.kept?.getItem(KEY) ?? '';
        return key === '' ? null : { key, name: this.name };
    }

    /** The name alone outlives a key that was refused. */
    get name(): string {
        return this.kept?.getItem(NAME) ?? '';
    }

    keep(credentials: Credentials): void {
        this.kept?.setItem(KEY, credentials.key);
        this.kept?.setItem(NAME, credentials.name);
    }

    forget(): void {
        this.kept?.removeItem(KEY);
    }
}

/** This tab's storage; null where the browser refuses it. */
export function tabStorage(): Kept | null {
    try {
        return globalThis.sessionStorage;
    } catch {
        return null;
    }
}

/** What somebody typed, as credentials; else what is wrong with it. */
export function credentialsOf(key: string, name: string): Credentials | string {
    const [typedKey, typedName] = [key.trim(), name.trim()];
    if (typedName === '') {
        return 'Type your name: it stands in the audit log beside what you do.';
    }
    if (typedKey === '' || /\s/.test(typedKey)) {
        return 'Type the admin key: one word, without blanks.';
    }
    return { key: typedKey, name: typedName.slice(0, LONGEST_NAME) };
}
