import { expect, test } from 'vitest';
import { application, fleet, node, player, session } from '../fixtures';
import { attention, bufferOf, filling } from './attention';
import { rowsOf } from './sessions';

const WELL = {
    applications: [application()],
    rows: rowsOf([session()], null, null),
    nodes: [node()],
    turnNodes: [{ name: 'turn-1', address: '198.51.100.7', offered: true }]
};

test('a service that is well needs no looking at', () => {
    expect(attention(WELL)).toEqual([]);
});

test.each([
    [{ applications: [application({ paused: true })] }, 'showroom: paused, nobody new is let in', false],
    [{ applications: [application({ waiting: 1 })] }, 'showroom: 1 player waits for an instance', false],
    [
        { applications: [application({ fleets: [fleet({ idle: 1, starting: 2 })] })] },
        'showroom: version 1-4-2 has 1 of 3 instances ready, 2 starting',
        false
    ],
    [
        { applications: [application({ fleets: [fleet({ idle: 0 })] })] },
        'showroom: version 1-4-2 has 0 of 3 instances ready, none starting',
        true
    ],
    [
        { applications: [application({ fleets: [fleet({ rolled_back: '4 of 20 sessions failed' })] })] },
        'showroom: version 1-4-2 was rolled back: 4 of 20 sessions failed',
        true
    ],
    [
        { applications: [application({ fleets: [fleet({ drained: true, sessions: 0 })] })] },
        'showroom: version 1-4-2 is drained: no session uses it any more',
        false
    ],
    [
        { rows: rowsOf([session({ players: [player({ stats: { roundTripSeconds: 1 } })] })], null, null) },
        '1 player has a poor picture',
        false
    ],
    [{ nodes: [node({ ready: false, sessions: 2 })] }, 'Node gpu-1 is not ready, with 2 sessions', true],
    [{ nodes: [node({ ready: false, sessions: 0 })] }, 'Node gpu-1 is not ready', true],
    [{ turnNodes: [] }, 'No TURN node takes players', true]
])('%# is noticed', (seen, text, serious) => {
    expect(attention({ ...WELL, ...seen }).map((each) => [each.text, each.serious])).toEqual([[text, serious]]);
});

test('the serious comes first', () => {
    const found = attention({ ...WELL, applications: [application({ paused: true })], turnNodes: [] });
    expect(found.map((each) => each.serious)).toEqual([true, false]);
    expect(new Set(found.map((each) => each.key)).size).toBe(2);
});

test('without a fleet controller the number in the stack is the target, and cannot be changed here', () => {
    expect(bufferOf(fleet({ target: null, buffer: 2 }))).toMatchObject({ target: 2, kept: false });
    expect(bufferOf(fleet({ target: 5, override: 5 }))).toMatchObject({ target: 5, kept: true, overridden: true });
});

test('a bar is as long as what there is or should be', () => {
    expect(filling(bufferOf(fleet({ idle: 1, starting: 1, target: 4 })))).toEqual({
        ready: 0.25,
        starting: 0.25,
        target: 1
    });
    expect(filling(bufferOf(fleet({ idle: 4, starting: 1, target: 2 })))).toEqual({
        ready: 0.8,
        starting: 0.2,
        target: 0.4
    });
    expect(filling(bufferOf(fleet({ idle: 0, target: 0 })))).toEqual({ ready: 0, starting: 0, target: 0 });
});
