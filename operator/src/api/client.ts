/** Asks the session API, with the admin key as a bearer and nothing else: no cookie, no key in an address. */
import type { Body, Done, Got, Named, Path, Problem } from './types';

export interface Credentials {
    readonly key: string;
    /** Who acts, as they say themselves. */
    readonly name: string;
}

/** The API said no; `problem` says why and what to do. */
export class Refused extends Error {
    constructor(readonly problem: Problem) {
        super(problem.detail);
    }
}

/** The key is not the admin key, or no longer. */
export class Unauthorized extends Error {}

/** No answer. */
export class Unreachable extends Error {}

/** What went wrong, and what to do. */
export function wordsOf(error: unknown): string {
    if (error instanceof Refused) {
        const { detail, remedy } = error.problem;
        return remedy === null ? detail : `${detail} ${remedy}.`;
    }
    return `The session API does not answer: ${error instanceof Error ? error.message : String(error)}`;
}

/** An answer that has not come after so long is not waited for: what is shown would grow old and look new. */
const LONGEST_SECONDS = 15;

export type Fetch = (address: string, options: RequestInit) => Promise<Response>;

interface Known {
    readonly tag: string;
    readonly content: unknown;
}

export class Client {
    private readonly known = new Map<string, Known>();

    /** `base` is the address that the API's paths begin at, without a slash at its end. */
    constructor(
        private readonly base: string,
        private readonly credentials: Credentials,
        private readonly fetch: Fetch = (address, options) => globalThis.fetch(address, options),
        private readonly longest: number = LONGEST_SECONDS
    ) {}

    /** What is at a path. What has not changed is the same object as before. */
    async get<P extends Path>(path: P, names: Named<P>, query: Readonly<Record<string, string>> = {}): Promise<Got<P>> {
        const asked = new URLSearchParams(query).toString();
        const address = `${filled(path, names)}${asked === '' ? '' : `?${asked}`}`;
        const known = this.known.get(address);
        const response = await this.ask(address, known === undefined ? {} : { 'If-None-Match': known.tag });
        if (response.status === 304 && known !== undefined) {
            return known.content as Got<P>;
        }
        const content = await this.answered(response);
        const tag = response.headers.get('ETag');
        if (tag !== null) {
            this.known.set(address, { tag, content });
        }
        return content as Got<P>;
    }

    /** Have something done. */
    async post<P extends Path>(path: P, names: Named<P>, body: Body<P>): Promise<Done<P>> {
        const headers = { 'Content-Type': 'application/json' };
        const response = await this.ask(filled(path, names), headers, { method: 'POST', body: JSON.stringify(body) });
        return (await this.answered(response)) as Done<P>;
    }

    private async ask(address: string, headers: Record<string, string>, options: RequestInit = {}): Promise<Response> {
        const { key, name } = this.credentials;
        const said = { ...headers, Authorization: `Bearer ${bytes(key)}`, 'X-Operator': bytes(name) };
        try {
            return await this.fetch(`${this.base}${address}`, {
                ...options,
                headers: said,
                credentials: 'omit',
                redirect: 'error',
                cache: 'no-store',
                referrerPolicy: 'no-referrer',
                signal: AbortSignal.timeout(this.longest * 1000)
            });
        } catch (error) {
            throw this.unreachable(error);
        }
    }

    private async answered(response: Response): Promise<unknown> {
        if (response.status === 401) {
            throw new Unauthorized();
        }
        const content = (await response.json().catch((error: unknown) => {
            if (error instanceof SyntaxError) {
                return null;
            }
            // It began to answer, and got no further.
            throw this.unreachable(error);
        })) as unknown;
        if (response.ok && content !== null) {
            return content;
        }
        throw isProblem(content)
            ? new Refused(content)
            : new Unreachable(`an answer that is none of the session API's (${response.status})`);
    }

    private unreachable(error: unknown): Unreachable {
        if (error instanceof DOMException && error.name === 'TimeoutError') {
            return new Unreachable(`no answer within ${this.longest} s`);
        }
        return new Unreachable(error instanceof Error ? error.message : String(error));
    }
}

function isProblem(content: unknown): content is Problem {
    return typeof content === 'object' && content !== null && 'detail' in content && 'status' in content;
}

/** A path with its parameters in the place of its braces. */
export function filled<P extends Path>(path: P, names: Named<P>): string {
    const values: Readonly<Record<string, string>> = names;
    return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ''));
}

/** A text as its UTF-8 bytes, which is what a header can hold. */
function bytes(text: string): string {
    return String.fromCharCode(...new TextEncoder().encode(text));
}
