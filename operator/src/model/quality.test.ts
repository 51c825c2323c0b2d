import { expect, test } from 'vitest';
import { player } from '../fixtures';
import { badness, qualityOf, verdictOf } from './quality';

test('a player that reports nothing has no quality', () => {
    expect(qualityOf(player())).toBeNull();
});

test('figures are read from what the page reports, and what is none is left out', () => {
    const quality = qualityOf(
        player({
            stats: {
                framesPerSecond: 59.7,
                bitrate: 12_400_000,
                roundTripSeconds: 'soon',
                packetsLost: 10,
                packetsReceived: 990,
                candidateType: 'relay',
                protocol: 'udp',
                turn: '198.51.100.7'
            }
        })
    );
    expect(quality).toMatchObject({
        verdict: 'fair',
        framesPerSecond: 59.7,
        roundTripSeconds: null,
        loss: 0.01,
        freezes: null,
        relayed: true,
        turn: '198.51.100.7'
    });
});

test.each([
    [{ roundTripSeconds: 0.02, jitterSeconds: 0.01, loss: 0 }, 'good'],
    [{ roundTripSeconds: 0.1, jitterSeconds: 0.01, loss: 0 }, 'fair'],
    [{ roundTripSeconds: 0.02, jitterSeconds: 0.08, loss: 0.01 }, 'poor'],
    [{ roundTripSeconds: null, jitterSeconds: null, loss: 0.2 }, 'poor'],
    [{ roundTripSeconds: null, jitterSeconds: null, loss: null }, 'good']
] as const)('the worst figure of %j says %s', (figures, verdict) => {
    expect(verdictOf(figures)).toBe(verdict);
});

test('worse pictures sort above, and of equals the slower one', () => {
    const of = (stats: Record<string, unknown>) => badness(qualityOf(player({ stats })));
    expect(badness(null)).toBeNull();
    expect(of({ roundTripSeconds: 0.3 })).toBeGreaterThan(of({ roundTripSeconds: 0.1 }) ?? 9);
    expect(of({ roundTripSeconds: 0.05 })).toBeGreaterThan(of({ roundTripSeconds: 0.02 }) ?? 9);
    expect(of({ roundTripSeconds: 20, packetsLost: 0, packetsReceived: 1 })).toBeLessThan(3);
});
