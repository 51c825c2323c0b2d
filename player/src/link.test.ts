import { describe, expect, it } from 'vitest';
import { invitationLink, protocols, readLink, signallingAddress, withoutLoginAnswer } from './link';

const NOBODY = { tokens: [], ticket: null };

describe('the signalling address', () => {
    it.each([
        ['http://10.0.0.1:3000/?app=demo', 'ws://10.0.0.1:3000/ws?app=demo'],
        ['https://play.example.com/', 'wss://play.example.com/ws'],
        ['https://play.example.com/a/?app=x&y=1#z', 'wss://play.example.com/a/ws?app=x&y=1']
    ])('%s -> %s', (page, address) => {
        expect(signallingAddress(page, NOBODY)).toBe(address);
    });

    it('holds a token only where a sub-protocol cannot', () => {
        const credentials = { tokens: ['a.b-c', 'two words/'], ticket: 't' };
        const address = new URL(signallingAddress('https://play.example.com/?app=x', credentials));
        expect(address.searchParams.getAll('token')).toEqual(['two words/']);
        expect(protocols('v1', credentials)).toEqual(['v1', 'pixel-token.a.b-c', 'pixel-ticket.t']);
    });
});

describe('a link', () => {
    it('cannot point the page at another host', () => {
        expect(readLink('https://p.example/?ss=ws://evil.example&app=demo&SS=x').clean).toBe('/?app=demo');
        expect(readLink('https://p.example/?ss=x').clean).toBe('/');
    });

    it('gives up its token and ticket at once', () => {
        const link = readLink('https://p.example/a/?app=demo&token=T1&token=T2&HoveringMouse=true#ticket=K&token=T3');
        expect(link.credentials).toEqual({ tokens: ['T1', 'T2', 'T3'], ticket: 'K' });
        expect(link.clean).toBe('/a/?app=demo&HoveringMouse=true');
        expect(link.application).toBe('demo');
    });

    it('says that the page is embedded, also after a reload', () => {
        const link = readLink('https://p.example/#embed&ticket=K');
        expect(link.embedded).toBe(true);
        expect(link.clean).toBe('/#embed');
        expect(readLink(`https://p.example${link.clean}`).embedded).toBe(true);
    });

    it('without anything has nothing', () => {
        const nothing = readLink('https://p.example/?token=&ticket=');
        expect(nothing).toEqual({ credentials: NOBODY, application: null, embedded: false, clean: '/' });
    });

    it('loses what the issuer of a login answered', () => {
        expect(withoutLoginAnswer('https://p.example/?app=x&code=c&state=s&iss=i#embed')).toBe('/?app=x#embed');
    });
});

describe('an invitation', () => {
    it('leads to the same application and hides its ticket from servers', () => {
        const link = invitationLink('https://p.example/a/?app=demo&StartVideoMuted=false#x', 'K.1');
        expect(link).toBe('https://p.example/a/?app=demo#ticket=K.1');
        expect(readLink(link).credentials.ticket).toBe('K.1');
    });
});
