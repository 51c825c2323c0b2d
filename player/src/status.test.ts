import { describe, expect, it } from 'vitest';
import { INITIAL, next, signallingAddress, withoutForeignServer, words, type Happening, type State } from './status';

function after(...happenings: Happening[]): State {
    return happenings.reduce(next, INITIAL);
}

describe('a session', () => {
    it('goes from connecting to playing', () => {
        const kinds = (
            [
                { kind: 'connect' },
                { kind: 'open' },
                { kind: 'instances', chosen: false, gaveUp: false },
                { kind: 'instances', chosen: true, gaveUp: false },
                { kind: 'offer' },
                { kind: 'frame' },
                { kind: 'offer' }
            ] satisfies Happening[]
        ).map((_, index, all) => after(...all.slice(0, index + 1)).kind);
        expect(kinds).toEqual(['connecting', 'waiting', 'waiting', 'starting', 'starting', 'playing', 'playing']);
    });

    it('says why it failed even when the connection closes afterwards', () => {
        const state = after({ kind: 'refused', reason: 'full' }, { kind: 'closed', reason: '', retrying: false });
        expect(state).toEqual({ kind: 'failed', reason: 'full' });
        expect(words(state).detail).toBe('full');
    });

    it('forgets a failure when a new attempt begins', () => {
        expect(after({ kind: 'media-failed' }, { kind: 'connect' }).kind).toBe('connecting');
    });

    it('stays with reconnecting while the library tries by itself', () => {
        const lost: Happening = { kind: 'closed', reason: 'gone', retrying: true };
        expect(after({ kind: 'frame' }, lost, { kind: 'connect' })).toEqual({ kind: 'reconnecting', reason: 'gone' });
        expect(after({ kind: 'frame' }, lost, { kind: 'connect' }, { kind: 'open' }).kind).toBe('waiting');
    });

    it('never leaves a lost connection without a reason', () => {
        expect(words(after({ kind: 'closed', reason: '', retrying: false })).detail).not.toBe('');
        expect(words(after({ kind: 'closed', reason: 'full', retrying: false })).detail).toBe('full');
    });

    it('offers a way on exactly where nothing goes on by itself', () => {
        const ends: Happening[] = [
            { kind: 'refused', reason: 'x' },
            { kind: 'media-failed' },
            { kind: 'closed', reason: 'x', retrying: false },
            { kind: 'play-refused' },
            { kind: 'instances', chosen: false, gaveUp: true }
        ];
        const goes: Happening[] = [{ kind: 'connect' }, { kind: 'open' }, { kind: 'offer' }, { kind: 'frame' }];
        for (const end of ends) {
            const { action, busy } = words(after(end));
            expect(action, end.kind).not.toBeNull();
            expect(busy, end.kind).toBe(false);
        }
        for (const going of goes) {
            expect(words(after(going)).action, going.kind).toBeNull();
        }
    });
});

describe('the signalling address', () => {
    it.each([
        ['http://10.0.0.1:3000/?app=demo', 'ws://10.0.0.1:3000/ws?app=demo'],
        ['https://play.example.com/', 'wss://play.example.com/ws'],
        ['https://play.example.com/a/?app=x&y=1#z', 'wss://play.example.com/a/ws?app=x&y=1']
    ])('%s -> %s', (page, address) => {
        expect(signallingAddress(page)).toBe(address);
    });

    it('cannot be pointed at another host by the link', () => {
        expect(withoutForeignServer('?ss=ws://evil.example&app=demo&SS=x')).toBe('?app=demo');
        expect(withoutForeignServer('?ss=x')).toBe('');
        expect(withoutForeignServer('')).toBe('');
    });
});
