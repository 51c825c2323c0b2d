import { expect, test } from 'vitest';
import { counted, deed, details, gpuWords, lasting, megabits, milliseconds, percent } from './words';

test.each([
    [-3, '0 s'],
    [59.9, '59 s'],
    [60, '1 min'],
    [3599, '59 min'],
    [3600 + 5 * 60, '1 h 5 min'],
    [86_400 * 2 + 3 * 3600, '2 d 3 h']
])('%d seconds are %s', (seconds, words) => {
    expect(lasting(seconds)).toBe(words);
});

test.each([
    ['VM.GPU.A10.1', 'nvidia.com/gpu', 'A10'],
    ['BM.GPU.L40S.4', 'nvidia.com/gpu', 'L40S'],
    ['VM.GPU3.2', 'nvidia.com/gpu', '3'],
    ['BM.GPU.RTXPRO.8', 'nvidia.com/mig-1g.24gb.gfx', 'RTXPRO 1g.24gb.gfx'],
    ['', 'nvidia.com/mig-1g.24gb', '1g.24gb'],
    ['', 'nvidia.com/gpu', 'GPU'],
    ['VM.Standard.E4.Flex', null, null],
    ['', null, null]
])('a shape %s with %s is %s', (shape, held, words) => {
    expect(gpuWords(shape, held)).toBe(words);
});

test('deeds have words, and what is unknown keeps its name', () => {
    expect(deed('endSession')).toBe('End a session');
    expect(deed('launchRocket')).toBe('launchRocket');
    expect(details({ seconds: 60, reason: 'terminated', subject: '', max_seconds: 0 })).toBe(
        'seconds 60, reason terminated, max seconds 0'
    );
});

test('figures have their units', () => {
    expect([counted(1, 'session', 'sessions'), counted(1200, 'session', 'sessions')]).toEqual([
        '1 session',
        '1,200 sessions'
    ]);
    expect([percent(0.0123), megabits(12_400_000), milliseconds(0.0318)]).toEqual(['1.2 %', '12.4 Mbit/s', '32 ms']);
});
