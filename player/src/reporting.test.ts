import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Reporting, STATISTICS_SECONDS } from './reporting';
import type { FromPlayer } from './session/messages';
import { ACTIVITY_SECONDS } from './stream/activity';
import { figuresOf } from './stream/statistics';

const FIGURES = figuresOf([{ type: 'inbound-rtp', kind: 'video', timestamp: 1 }], null);

let said: FromPlayer[];
let pads: () => unknown[];

beforeEach(() => {
    said = [];
    pads = () => [];
    vi.useFakeTimers();
    vi.stubGlobal('document', new EventTarget());
    vi.stubGlobal('navigator', { getGamepads: () => pads() });
});

afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
});

/** A page that plays; gives what it has told after some seconds. */
async function told(seconds: number, firstFrameSeconds: number | null = null): Promise<string[]> {
    const reporting = new Reporting({
        playing: () => true,
        measure: () => Promise.resolve(FIGURES),
        say: (message) => {
            said.push(message);
        },
        measured: () => undefined
    });
    if (firstFrameSeconds !== null) {
        reporting.firstFrame(firstFrameSeconds);
    }
    await vi.advanceTimersByTimeAsync(seconds * 1000);
    return said.map(({ type }) => type);
}

describe('a page that plays', () => {
    const forbidden = (): never => {
        throw new DOMException('Permissions Policy', 'SecurityError');
    };

    it.each([
        ['forbids gamepads', { getGamepads: forbidden }],
        ['has no gamepads', {}]
    ])('tells its statistics in a browser that %s', async (_, navigator) => {
        vi.stubGlobal('navigator', navigator);
        expect(await told(STATISTICS_SECONDS)).toEqual(['sessionStats']);
    });

    it('tells of the first picture at once', async () => {
        expect(await told(1, 2.5)).toEqual(['sessionStats']);
        expect(said[0]).toMatchObject({ firstFrameSeconds: 2.5 });
    });

    it('tells that somebody is there when a gamepad changes, and not while it rests', async () => {
        let timestamp = 1;
        expect(await told(1)).toEqual([]);
        pads = () => [null, { timestamp }];
        await vi.advanceTimersByTimeAsync(1000);
        expect(said.map(({ type }) => type)).toEqual(['sessionActivity']);
        await vi.advanceTimersByTimeAsync(ACTIVITY_SECONDS * 1000);
        said = said.filter(({ type }) => type !== 'sessionStats');
        expect(said).toHaveLength(1);
        timestamp = 2;
        await vi.advanceTimersByTimeAsync(1000);
        expect(said.map(({ type }) => type)).toEqual(['sessionActivity', 'sessionActivity']);
    });
});
