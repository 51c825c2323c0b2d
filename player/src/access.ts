/** What lets this tab in: the credentials of its link or of a login, and the ticket that brings it back. */
import { protocols, signallingAddress, type Credentials } from './link';
import type { LoginConfig } from './page-config';
import { keepTicket, keepTokens, keptCredentials, keptTicket, storageOf } from './session/kept';
import { SUBPROTOCOL } from './session/messages';
import type { Service } from './session/resumable-socket';
import type { Ticket } from './session/resumption';

export class Access {
    private readonly tab = storageOf('sessionStorage');
    private credentials: Credentials = keptCredentials(this.tab);

    constructor(private readonly application: string | null) {}

    get loggedIn(): boolean {
        return this.credentials.tokens.length > 0;
    }

    /** Use a link's credentials; without a token in it the tab's own still count. Its ticket begins a session of its own. */
    useLink(credentials: Credentials): void {
        const { tokens, ticket } = credentials;
        this.credentials = { ...this.credentials, ticket };
        if (tokens.length > 0) {
            this.useTokens(tokens);
        }
        if (ticket !== null) {
            this.keep(null);
        }
    }

    /** Use these tokens from the next connection on, and after a reload; none logs out. */
    useTokens(tokens: readonly string[]): void {
        this.credentials = { ...this.credentials, tokens };
        keepTokens(this.tab, tokens);
    }

    /** Keep the ticket that brings the tab back; null when there is nothing to come back to. */
    keep(ticket: Ticket | null): void {
        keepTicket(this.tab, this.application, ticket);
    }

    /** How to connect for a page. What the tab has a ticket of goes before its link, which may count no more. */
    service(page: string): Service {
        const { credentials } = this;
        return {
            url: signallingAddress(page, credentials),
            protocols: (own) => protocols(SUBPROTOCOL, { ...credentials, ticket: own ?? credentials.ticket }),
            ticket: keptTicket(this.tab, this.application)
        };
    }

    /** Leave the page for the issuer of logins, to come back to it with a token. */
    async logIn(config: LoginConfig, page: string): Promise<void> {
        const login = await import('./login');
        await login.begin(config, page, this.tab);
    }

    /** Take over the token if an address is the issuer's answer; gives the page that the person was at. */
    async finishLogIn(config: LoginConfig | null, address: string): Promise<string | null> {
        const login = await import('./login');
        if (config === null || !login.isAnswer(address, this.tab)) {
            return null;
        }
        const { token, page } = await login.finish(config, address, this.tab);
        this.useTokens([token]);
        return page;
    }

    /** Forget everything, and end the issuer's session too where there is one. */
    async logOut(config: LoginConfig | null, page: string): Promise<void> {
        this.useTokens([]);
        this.credentials = { tokens: [], ticket: null };
        if (config !== null) {
            const login = await import('./login');
            await login.end(config, page, this.tab);
        }
    }
}
