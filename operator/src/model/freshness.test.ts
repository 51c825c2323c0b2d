import { expect, test } from 'vitest';
import { freshness } from './freshness';

const NOW = 100_000;

test.each([
    [null, null, 'connecting', 'Connecting'],
    [NOW - 2_000, null, 'live', 'Live'],
    [NOW + 500, null, 'live', 'Live'],
    [NOW - 15_000, null, 'live', 'Live'],
    [NOW - 16_000, null, 'trouble', 'As it was 16 s ago'],
    [NOW - 7_500_000, null, 'trouble', 'As it was 2 h 5 min ago'],
    [null, 'away', 'trouble', 'No answer'],
    [NOW - 4_000, 'away', 'trouble', 'No answer, last heard 4 s ago']
] as const)('heard at %s with trouble %s is %s', (heard, trouble, state, words) => {
    expect(freshness({ heard, trouble }, NOW)).toEqual({ state, words });
});
