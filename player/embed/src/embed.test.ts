import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FromPage, ToPage } from '../../src/embedding/contract';
import { embed, type EmbeddedPlayer, type EmbedOptions } from './embed';

const ORIGIN = 'https://play.example.com';

/** As much of a page as an embedded player touches. */
class FakePage {
    readonly posted: { message: ToPage; origin: string }[] = [];
    readonly contentWindow = {
        postMessage: (message: ToPage, origin: string): void => {
            this.posted.push({ message, origin });
        }
    };
    readonly frame = Object.assign(new EventTarget(), {
        title: '',
        allow: '',
        src: '',
        style: {},
        hidden: false,
        contentWindow: this.contentWindow,
        focus: vi.fn(),
        requestFullscreen: vi.fn(() => Promise.resolve()),
        remove: vi.fn()
    });
    readonly window = new EventTarget();
    readonly element = { ownerDocument: { createElement: () => this.frame }, append: vi.fn() };

    say(message: FromPage, origin = ORIGIN, source: unknown = this.contentWindow): void {
        const event = Object.assign(new Event('message'), { data: message, origin, source });
        this.window.dispatchEvent(event);
    }

    get last(): ToPage | undefined {
        return this.posted.at(-1)?.message;
    }
}

let page: FakePage;

beforeEach(() => {
    page = new FakePage();
    vi.stubGlobal('window', page.window);
    vi.stubGlobal('document', { baseURI: 'https://www.example.com/shop' });
});

afterEach(() => {
    vi.unstubAllGlobals();
});

function player(options: Partial<EmbedOptions> = {}): EmbeddedPlayer {
    return embed(page.element as unknown as HTMLElement, { url: `${ORIGIN}/?app=demo`, ...options });
}

describe('an embedded player', () => {
    it('loads the page without the token in its address, and greets it after each load', () => {
        player({ token: 'secret', language: 'de' });
        expect(page.frame.src).toBe(`${ORIGIN}/?app=demo#embed`);
        page.frame.dispatchEvent(new Event('load'));
        page.frame.dispatchEvent(new Event('load'));
        expect(page.posted).toHaveLength(2);
        expect(page.posted[0]).toEqual({
            message: { type: 'pixel:hello', version: 1, token: 'secret', language: 'de' },
            origin: ORIGIN
        });
    });

    it('hands a ticket over where no server sees it', () => {
        player({ ticket: 'a.b' });
        expect(page.frame.src).toBe(`${ORIGIN}/?app=demo#ticket=a.b&embed`);
    });

    it('tells what the page says', () => {
        const heard: unknown[] = [];
        const one = player();
        one.on('state', ({ detail }) => heard.push(detail)).on('message', ({ detail }) => heard.push(detail));
        page.say({ type: 'pixel:state', state: 'queued', position: 2, estimateSeconds: null });
        page.say({ type: 'pixel:message', text: '{"a":1}' });
        expect(heard).toEqual([{ state: 'queued', position: 2, estimateSeconds: null }, '{"a":1}']);
        expect(one.state.state).toBe('queued');
    });

    it('hears nobody else', () => {
        const heard = vi.fn();
        const one = player().on('message', heard);
        page.say({ type: 'pixel:message', text: 'x' }, 'https://evil.example');
        page.say({ type: 'pixel:message', text: 'x' }, ORIGIN, { other: 'window' });
        page.window.dispatchEvent(
            Object.assign(new Event('message'), { data: 'x', origin: ORIGIN, source: page.contentWindow })
        );
        expect(heard).not.toHaveBeenCalled();
        one.off('message', heard);
        page.say({ type: 'pixel:message', text: 'x' });
        expect(heard).not.toHaveBeenCalled();
    });

    it('passes on what it is asked for, to the page alone', () => {
        const one = player();
        one.sendMessage({ colour: 'red' });
        expect(page.last).toEqual({ type: 'pixel:send', value: { colour: 'red' } });
        one.mute();
        expect(page.last).toEqual({ type: 'pixel:mute', muted: true });
        one.start('new');
        expect(page.last).toEqual({ type: 'pixel:start', token: 'new' });
        one.focus();
        expect(page.last).toEqual({ type: 'pixel:focus' });
        one.end();
        expect(page.last).toEqual({ type: 'pixel:end' });
        expect(new Set(page.posted.map(({ origin }) => origin))).toEqual(new Set([ORIGIN]));
        void one.fullscreen();
        expect(page.frame.requestFullscreen).toHaveBeenCalled();
    });

    it('has no full screen where the browser has none for a frame, as on an iPhone, and says so', async () => {
        const one = player();
        Object.assign(page.frame, { requestFullscreen: undefined });
        const answer = one.fullscreen();
        await expect(answer).rejects.toThrow('no frame on the whole screen');
    });

    it('follows to a region that it was told of, and to no other', () => {
        const events: unknown[] = [];
        player({ regions: ['https://play-jp.example.com'] }).on('redirect', ({ detail }) =>
            events.push(detail.followed)
        );
        page.say({ type: 'pixel:redirect', url: 'https://evil.example/#ticket=T' });
        expect(page.frame.src).toBe(`${ORIGIN}/?app=demo#embed`);
        page.say({ type: 'pixel:redirect', url: 'https://play-jp.example.com/?app=demo#ticket=T' });
        expect(page.frame.src).toBe('https://play-jp.example.com/?app=demo#ticket=T&embed');
        expect(events).toEqual([false, true]);
        page.frame.dispatchEvent(new Event('load'));
        expect(page.posted.at(-1)?.origin).toBe('https://play-jp.example.com');
    });

    it('goes once the page has ended the session, and is quiet then', () => {
        const heard = vi.fn();
        const one = player().on('message', heard);
        one.remove();
        expect(page.last).toEqual({ type: 'pixel:end' });
        expect(page.frame.hidden).toBe(true);
        expect(page.frame.remove).not.toHaveBeenCalled();
        page.say({ type: 'pixel:state', state: 'over', reason: 'left', message: '', login: false });
        expect(page.frame.remove).toHaveBeenCalled();
        page.say({ type: 'pixel:message', text: 'x' });
        expect(heard).not.toHaveBeenCalled();
    });

    it('goes also when the page says nothing any more', () => {
        vi.useFakeTimers();
        player().remove();
        vi.runAllTimers();
        vi.useRealTimers();
        expect(page.frame.remove).toHaveBeenCalled();
    });
});
