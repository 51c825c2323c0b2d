/** What the page's address says, and what of it goes on to the service. Pure. */

/** What a person holds that lets them in. */
export interface Credentials {
    /** Login tokens; any one that is right admits. */
    readonly tokens: readonly string[];
    /** A link ticket or an invitation. */
    readonly ticket: string | null;
}

export interface Link {
    readonly credentials: Credentials;
    /** The application that is asked for; null for the stack's first. */
    readonly application: string | null;
    /** A page of somebody else's has this one in a frame, and speaks to it. */
    readonly embedded: boolean;
    /** The page's address without what nobody but this page should read. */
    readonly clean: string;
}

const IN_QUERY_AND_FRAGMENT = ['token', 'ticket'];
/** Epic's library would connect to whatever host this names. */
const NEVER = 'ss';
/** Answers of the login's issuer, which login.ts reads before. */
const OF_LOGIN = ['code', 'state', 'iss', 'session_state', 'error', 'error_description'];

/** Read a page's address. */
export function readLink(address: string): Link {
    const page = new URL(address);
    const fragment = new URLSearchParams(page.hash.slice(1));
    const ticket = fragment.get('ticket') ?? page.searchParams.get('ticket');
    return {
        credentials: {
            tokens: [...page.searchParams.getAll('token'), ...fragment.getAll('token')].filter((token) => token !== ''),
            ticket: ticket === '' ? null : ticket
        },
        application: page.searchParams.get('app'),
        embedded: fragment.has('embed'),
        clean: cleaned(page, fragment)
    };
}

function cleaned(page: URL, fragment: URLSearchParams): string {
    const query = without(
        page.searchParams,
        (name) => IN_QUERY_AND_FRAGMENT.includes(name) || name.toLowerCase() === NEVER
    );
    const rest = without(fragment, (name) => IN_QUERY_AND_FRAGMENT.includes(name));
    return page.pathname + prefixed('?', query) + prefixed('#', rest);
}

/** An address without the answer of a login's issuer. */
export function withoutLoginAnswer(address: string): string {
    const page = new URL(address);
    return (
        page.pathname +
        prefixed(
            '?',
            without(page.searchParams, (name) => OF_LOGIN.includes(name))
        ) +
        page.hash
    );
}

function without(parameters: URLSearchParams, unwanted: (name: string) => boolean): URLSearchParams {
    return new URLSearchParams([...parameters].filter(([name]) => !unwanted(name)));
}

function prefixed(mark: string, parameters: URLSearchParams): string {
    // A lone `embed` stays one: `embed=` would be the same, but is not what was written.
    const text = parameters.toString().replace(/=(?=&|$)/g, '');
    return text === '' ? '' : mark + text;
}

/** What a WebSocket's sub-protocol may be made of (RFC 7230, token). */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** The sub-protocols that opt in and hand in credentials: no proxy logs them. */
export function protocols(subprotocol: string, credentials: Credentials): string[] {
    const { tokens, ticket } = credentials;
    return [
        subprotocol,
        ...tokens.filter((token) => TOKEN.test(token)).map((token) => `pixel-token.${token}`),
        ...(ticket !== null && TOKEN.test(ticket) ? [`pixel-ticket.${ticket}`] : [])
    ];
}

/**
 * The matchmaker's WebSocket address for a page: same host, the page's own query passed on.
 *
 * A shared token may hold what no sub-protocol may, and then goes into the query as the reference server has it.
 */
export function signallingAddress(page: string, credentials: Credentials): string {
    const address = new URL('ws', page);
    address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
    const query = new URLSearchParams(new URL(page).search);
    for (const token of credentials.tokens) {
        if (!TOKEN.test(token)) {
            query.append('token', token);
        }
    }
    address.search = query.toString();
    address.hash = '';
    return address.toString();
}

/** The link for somebody who is invited: this page and this application, and the ticket where no server sees it. */
export function invitationLink(page: string, ticket: string): string {
    const address = new URL(page);
    const application = address.searchParams.get('app');
    address.search = application === null ? '' : new URLSearchParams({ app: application }).toString();
    address.hash = new URLSearchParams({ ticket }).toString();
    return address.toString();
}
