import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Access } from './access';

const PAGE = 'https://play.example.com/?app=demo';
const LINK = { tokens: [], ticket: 'link' };
const OWN = { ticket: 'own', session: 's' };

/** A page of the tab: each reads what the ones before it have kept. */
function page(credentials = { tokens: [] as string[], ticket: null as string | null }): Access {
    const access = new Access('demo');
    access.useLink(credentials);
    return access;
}

/** The tickets that a first connection shows. */
function shown(access: Access): readonly string[] {
    const service = access.service(PAGE);
    return service.protocols(service.ticket?.ticket ?? null).filter((each) => each.startsWith('pixel-ticket.'));
}

beforeEach(() => {
    const kept = new Map<string, string>();
    const sessionStorage = {
        getItem: (key: string) => kept.get(key) ?? null,
        setItem: (key: string, value: string) => kept.set(key, value),
        removeItem: (key: string) => kept.delete(key)
    };
    vi.stubGlobal('window', { sessionStorage });
});

afterEach(() => {
    vi.unstubAllGlobals();
});

describe("a link's ticket", () => {
    it('begins a session of its own, whatever the tab had before', () => {
        page().keep({ ticket: 'earlier', session: 'e' });
        const access = page(LINK);
        expect(access.service(PAGE).ticket).toBeNull();
        expect(shown(access)).toEqual(['pixel-ticket.link']);
    });

    it("gives way to the tab's own, which leads back to what it has begun", () => {
        const access = page(LINK);
        access.keep(OWN);
        expect(access.service(PAGE).ticket).toEqual(OWN);
        expect(shown(access)).toEqual(['pixel-ticket.own']);
        expect(shown(page())).toEqual(['pixel-ticket.own']);
    });

    it('is what a visitor has again once that is over', () => {
        const access = page(LINK);
        access.keep(OWN);
        access.keep(null);
        expect(shown(access)).toEqual(['pixel-ticket.link']);
    });
});
