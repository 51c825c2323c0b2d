/** What a stack says about its page: `config.json` beside it, made from the stack file's key `page`. */

export interface NamedLink {
    readonly label: string;
    readonly url: string;
}

/** How people log in, by OpenID Connect with PKCE. */
export interface LoginConfig {
    readonly issuer: string;
    readonly clientId: string;
    readonly scope: string;
    /** Some issuers sign an access token for a service only when it is named. */
    readonly audience: string | null;
    /** Which of the issuer's tokens the service is shown. */
    readonly token: 'access' | 'id';
}

/** Colours as #rrggbb; null for the page's own. */
export interface Colours {
    readonly accent: string | null;
    readonly ground: string | null;
    readonly ink: string | null;
}

export interface PageConfig {
    readonly name: string;
    /** An address of https:, of data:, or beside the page. */
    readonly logo: string | null;
    readonly colours: Colours;
    /** At the foot of every screen: imprint, privacy, help. */
    readonly links: readonly NamedLink[];
    /** The same service elsewhere, for when this region is full. */
    readonly regions: readonly NamedLink[];
    readonly region: string | null;
    readonly login: LoginConfig | null;
    /** Origins of the pages that may have this one in a frame and speak to it. */
    readonly embedders: readonly string[];
}

export const DEFAULT_CONFIG: PageConfig = {
    name: 'Pixel Streaming',
    logo: null,
    colours: { accent: null, ground: null, ink: null },
    links: [],
    regions: [],
    region: null,
    login: null,
    embedders: []
};

/** The configuration in a JSON value. What it does not say, or says wrongly, is as by default. */
export function readConfig(value: unknown): PageConfig {
    const fields = fieldsOf(value);
    const colours = fieldsOf(fields['colours']);
    return {
        name: text(fields['name']) ?? DEFAULT_CONFIG.name,
        logo: matching(fields['logo'], /^(https:\/\/|data:image\/(svg\+xml|png|webp|jpeg)[;,]|\.\/)/),
        colours: {
            accent: matching(colours['accent'], COLOUR),
            ground: matching(colours['ground'], COLOUR),
            ink: matching(colours['ink'], COLOUR)
        },
        links: readLinks(fields['links']),
        regions: readLinks(fields['regions']),
        region: text(fields['region']),
        login: readLogin(fields['login']),
        embedders: list(fields['embedders']).filter((each): each is string => typeof each === 'string')
    };
}

/** Fetch the file beside the page; a page without one is as by default. */
export async function fetchConfig(): Promise<PageConfig> {
    try {
        const answer = await fetch(new URL('config.json', document.baseURI), { credentials: 'same-origin' });
        return answer.ok ? readConfig(await answer.json()) : DEFAULT_CONFIG;
    } catch {
        return DEFAULT_CONFIG;
    }
}

const COLOUR = /^#[0-9a-fA-F]{6}$/;

function readLinks(value: unknown): NamedLink[] {
    return list(value).flatMap((each) => {
        const fields = fieldsOf(each);
        const label = text(fields['label']);
        const url = matching(fields['url'], /^(https:\/\/|mailto:)/);
        return label === null || url === null ? [] : [{ label, url }];
    });
}

function readLogin(value: unknown): LoginConfig | null {
    const fields = fieldsOf(value);
    // http: is for an issuer on the same machine; elsewhere the stack's settings refuse it.
    const issuer = matching(fields['issuer'], /^https?:\/\//);
    const clientId = text(fields['client_id']);
    if (issuer === null || clientId === null) {
        return null;
    }
    return {
        issuer,
        clientId,
        scope: text(fields['scope']) ?? 'openid',
        audience: text(fields['audience']),
        token: fields['token'] === 'id' ? 'id' : 'access'
    };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function list(value: unknown): readonly unknown[] {
    return Array.isArray(value) ? value : [];
}

function text(value: unknown): string | null {
    return typeof value === 'string' && value !== '' ? value : null;
}

function matching(value: unknown, pattern: RegExp): string | null {
    return typeof value === 'string' && pattern.test(value) ? value : null;
}
