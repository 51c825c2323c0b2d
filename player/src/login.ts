/**
 * Login by OpenID Connect: the authorization code flow with PKCE, as a public client. Loaded only by pages whose stack
 * has an issuer. The tokens stay in the tab; nothing renews them, since the service looks at them only on connecting.
 */
import * as oauth from 'oauth4webapi';
import type { LoginConfig } from './page-config';
import type { Storage } from './session/kept';

/** What is kept while the issuer has the page. */
interface Underway {
    readonly state: string;
    readonly nonce: string;
    readonly verifier: string;
    /** The page's address before, to come back to. */
    readonly page: string;
}

export interface LoggedIn {
    /** What the service is shown. */
    readonly token: string;
    readonly page: string;
}

const UNDERWAY = 'pixel-login';
const ID_TOKEN = 'pixel-id-token';

/** Whether a page's address is an issuer's answer to a login that this tab has begun. */
export function isAnswer(address: string, storage: Storage): boolean {
    const query = new URL(address).searchParams;
    return storage.getItem(UNDERWAY) !== null && query.has('state') && (query.has('code') || query.has('error'));
}

/** Go to the issuer; it sends the person back to the page's own address. */
export async function begin(config: LoginConfig, page: string, storage: Storage): Promise<void> {
    const server = await discover(config);
    if (server.authorization_endpoint === undefined) {
        throw new Error(`${config.issuer} names no authorization endpoint`);
    }
    const underway: Underway = {
        state: oauth.generateRandomState(),
        nonce: oauth.generateRandomNonce(),
        verifier: oauth.generateRandomCodeVerifier(),
        page
    };
    storage.setItem(UNDERWAY, JSON.stringify(underway));
    const address = new URL(server.authorization_endpoint);
    const parameters = {
        client_id: config.clientId,
        redirect_uri: redirectAddress(page),
        response_type: 'code',
        scope: config.scope,
        state: underway.state,
        nonce: underway.nonce,
        code_challenge: await oauth.calculatePKCECodeChallenge(underway.verifier),
        code_challenge_method: 'S256',
        ...(config.audience === null ? {} : { audience: config.audience })
    };
    for (const [name, value] of Object.entries(parameters)) {
        address.searchParams.set(name, value);
    }
    location.assign(address);
}

/** Turn the issuer's answer, which is this address, into a token. Throws what went wrong. */
export async function finish(config: LoginConfig, address: string, storage: Storage): Promise<LoggedIn> {
    const underway = JSON.parse(storage.getItem(UNDERWAY) ?? '{}') as Underway;
    storage.removeItem(UNDERWAY);
    const server = await discover(config);
    const client: oauth.Client = { client_id: config.clientId };
    const answer = oauth.validateAuthResponse(server, client, new URL(address), underway.state);
    const response = await oauth.authorizationCodeGrantRequest(
        server,
        client,
        oauth.None(),
        answer,
        redirectAddress(underway.page),
        underway.verifier,
        insecurity(config)
    );
    const isOpenId = config.scope.split(' ').includes('openid');
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, {
        ...(isOpenId ? { expectedNonce: underway.nonce, requireIdToken: true } : {})
    });
    const token = config.token === 'id' ? tokens.id_token : tokens.access_token;
    if (token === undefined) {
        throw new Error(`${config.issuer} gave no ID token; add openid to the scope`);
    }
    if (tokens.id_token !== undefined) {
        storage.setItem(ID_TOKEN, tokens.id_token);
    }
    return { token, page: underway.page };
}

/** End the issuer's session too, where it offers that; the tab's own tokens are the caller's to forget. */
export async function end(config: LoginConfig, page: string, storage: Storage): Promise<void> {
    const hint = storage.getItem(ID_TOKEN);
    storage.removeItem(ID_TOKEN);
    const { end_session_endpoint: endpoint } = await discover(config);
    if (endpoint !== undefined) {
        const address = new URL(endpoint);
        address.searchParams.set('client_id', config.clientId);
        address.searchParams.set('post_logout_redirect_uri', redirectAddress(page));
        if (hint !== null) {
            address.searchParams.set('id_token_hint', hint);
        }
        location.assign(address);
    }
}

async function discover(config: LoginConfig): Promise<oauth.AuthorizationServer> {
    const issuer = new URL(config.issuer);
    return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecurity(config)));
}

/** Plain http is for an issuer on the same machine, as in a test. */
function insecurity(config: LoginConfig): object {
    const { protocol, hostname } = new URL(config.issuer);
    const local = protocol === 'http:' && ['localhost', '127.0.0.1'].includes(hostname);
    // Marked as deprecated so that nobody uses it otherwise.
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    return local ? { [oauth.allowInsecureRequests]: true } : {};
}

/** Registered at the issuer: the page without query and fragment. */
function redirectAddress(page: string): string {
    const { origin, pathname } = new URL(page);
    return origin + pathname;
}
