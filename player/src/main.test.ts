import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { DEFAULT_CONFIG } from './page-config';

/** What the page has done; what it is made of is not under test here. */
const page = vi.hoisted(() => ({ starts: 0, answers: [] as string[] }));

vi.mock('./app', () => ({
    App: class {
        readonly stream = { startsByItself: true, library: null };

        start(): void {
            page.starts++;
        }

        configure(): void {
            // Nothing to draw.
        }

        draw(): void {
            // Nothing to draw.
        }

        do(): void {
            // Nobody asks for anything.
        }
    }
}));
vi.mock('./access', () => ({
    Access: class {
        useLink(): void {
            // Nobody comes in.
        }

        finishLogIn(_config: unknown, address: string): Promise<null> {
            page.answers.push(address);
            return Promise.resolve(null);
        }
    }
}));
vi.mock('./interface/page', () => ({ Page: () => null }));
vi.mock('./page-config', async (original) => ({
    ...(await original<typeof import('./page-config')>()),
    fetchConfig: () => Promise.resolve(DEFAULT_CONFIG)
}));

/** The address bar. */
let location: URL;

beforeEach(() => {
    vi.resetModules();
    Object.assign(page, { starts: 0, answers: [] });
    const window = {};
    vi.stubGlobal('window', Object.assign(window, { parent: window }));
    vi.stubGlobal('document', { getElementById: () => ({}) });
    vi.stubGlobal('history', {
        state: null,
        replaceState: (_state: unknown, _unused: string, address: string) => {
            location.href = new URL(address, location).href;
        }
    });
});

afterEach(() => {
    vi.unstubAllGlobals();
});

it.each(['?app=demo&token=T#ticket=K', '?app=demo&state=mine&token=T#ticket=K', '?app=demo&state=s&code=c&token=T'])(
    'a page leaves no token, ticket or answer of an issuer in its address: %s',
    async (query) => {
        const address = `https://play.example.com/${query}`;
        location = new URL(address);
        vi.stubGlobal('location', location);
        const loaded = import('./main');
        await vi.waitFor(() => {
            expect(page.starts).toBe(1);
        });
        await loaded;
        expect(location.href).toBe('https://play.example.com/?app=demo');
        expect(page.answers).toEqual(query.includes('state') ? [address] : []);
    }
);
