/** What a player's page reports of its picture (`sessionStats`), for an operator. Pure. */
import type { Player } from '../api/types';

export type Verdict = 'good' | 'fair' | 'poor';

export interface Quality {
    readonly verdict: Verdict;
    readonly framesPerSecond: number | null;
    /** Bits per second. */
    readonly bitrate: number | null;
    readonly roundTripSeconds: number | null;
    readonly jitterSeconds: number | null;
    /** Share of the packets that were lost, from 0 to 1. */
    readonly loss: number | null;
    readonly freezes: number | null;
    readonly freezeSeconds: number | null;
    readonly firstFrameSeconds: number | null;
    readonly relayed: boolean | null;
    readonly protocol: string | null;
    /** The relay's address. */
    readonly turn: string | null;
}

/** From where on a figure is only fair, or poor; the player's page says the same of itself. */
export const BOUNDS = {
    roundTripSeconds: [0.1, 0.25],
    jitterSeconds: [0.03, 0.08],
    loss: [0.01, 0.05]
} as const;

const VERDICTS = ['good', 'fair', 'poor'] as const;

/** The quality that a player has; null for one that reports nothing. */
export function qualityOf(player: Player): Quality | null {
    const { stats } = player;
    if (stats === null) {
        return null;
    }
    const number = (name: string): number | null => {
        const value = stats[name];
        return typeof value === 'number' && Number.isFinite(value) ? value : null;
    };
    const text = (name: string): string | null => {
        const value = stats[name];
        return typeof value === 'string' ? value : null;
    };
    const way = text('candidateType');
    const figures = {
        roundTripSeconds: number('roundTripSeconds'),
        jitterSeconds: number('jitterSeconds'),
        loss: lossOf(number('packetsLost'), number('packetsReceived'))
    };
    return {
        verdict: verdictOf(figures),
        ...figures,
        framesPerSecond: number('framesPerSecond'),
        bitrate: number('bitrate'),
        freezes: number('freezes'),
        freezeSeconds: number('freezeSeconds'),
        firstFrameSeconds: number('firstFrameSeconds'),
        relayed: way === null ? null : way === 'relay',
        protocol: text('protocol'),
        turn: text('turn')
    };
}

function lossOf(lost: number | null, received: number | null): number | null {
    return lost === null || received === null || lost + received === 0 ? null : lost / (lost + received);
}

/** One word: that of the worst figure. */
export function verdictOf(figures: Readonly<Record<keyof typeof BOUNDS, number | null>>): Verdict {
    const grades = Object.entries(BOUNDS).map(([name, [fair, poor]]) => {
        const value = figures[name as keyof typeof BOUNDS] ?? 0;
        return value >= poor ? 2 : value >= fair ? 1 : 0;
    });
    return VERDICTS[Math.max(...grades)] ?? 'good';
}

/** For sorting: the worse, the higher. */
export function badness(quality: Quality | null): number | null {
    return quality === null ? null : VERDICTS.indexOf(quality.verdict) + Math.min(0.99, quality.roundTripSeconds ?? 0);
}
