/** What the browser's WebRTC statistics say of a stream, for a person and for the service. Pure. */
import type { Statistics } from '../session/messages';

/** One reading; what the browser does not tell is null. Counts run from the start of the peer connection. */
export interface Figures {
    /** Milliseconds, of the browser's clock. */
    readonly at: number;
    readonly width: number | null;
    readonly height: number | null;
    readonly framesPerSecond: number | null;
    readonly bytes: number;
    /** Bits per second since the reading before. */
    readonly bitrate: number | null;
    readonly roundTripSeconds: number | null;
    readonly jitterSeconds: number | null;
    readonly packetsLost: number;
    readonly packetsReceived: number;
    /** Share of the packets since the reading before that were lost, from 0 to 1. */
    readonly loss: number | null;
    readonly freezes: number;
    readonly freezeSeconds: number;
    readonly candidateType: Statistics['candidateType'] | null;
    readonly protocol: Statistics['protocol'] | null;
    /** The relay's address. */
    readonly turn: string | null;
}

type Report = Readonly<Record<string, unknown>>;

/** The figures of a report, with the ones before it for what is a rate; null before there is video. */
export function figuresOf(reports: readonly Report[], before: Figures | null): Figures | null {
    const video = reports.find((each) => each['type'] === 'inbound-rtp' && each['kind'] === 'video');
    if (video === undefined) {
        return null;
    }
    const received = reports.filter((each) => each['type'] === 'inbound-rtp');
    const at = number(video['timestamp']) ?? 0;
    const bytes = sum(received, 'bytesReceived');
    const packetsLost = Math.max(0, sum(received, 'packetsLost'));
    const packetsReceived = sum(received, 'packetsReceived');
    // A new peer connection counts anew.
    const since = before !== null && before.bytes <= bytes && before.at < at ? before : null;
    return {
        at,
        width: number(video['frameWidth']),
        height: number(video['frameHeight']),
        framesPerSecond: number(video['framesPerSecond']),
        bytes,
        bitrate: since && ((bytes - since.bytes) * 8000) / (at - since.at),
        jitterSeconds: number(video['jitter']),
        packetsLost,
        packetsReceived,
        loss: since && lossSince(since, packetsLost, packetsReceived),
        freezes: number(video['freezeCount']) ?? 0,
        freezeSeconds: number(video['totalFreezesDuration']) ?? 0,
        ...wayOf(reports)
    };
}

function lossSince(before: Figures, lost: number, received: number): number {
    const newlyLost = Math.max(0, lost - before.packetsLost);
    const all = newlyLost + Math.max(0, received - before.packetsReceived);
    return all === 0 ? 0 : newlyLost / all;
}

type Way = Pick<Figures, 'roundTripSeconds' | 'candidateType' | 'protocol' | 'turn'>;

function wayOf(reports: readonly Report[]): Way {
    const of = (id: unknown): Report | undefined =>
        id === undefined ? undefined : reports.find((each) => each['id'] === id);
    const transport = reports.find((each) => each['type'] === 'transport');
    const pair =
        of(transport?.['selectedCandidatePairId']) ??
        // Firefox has no transport report; its pairs say themselves that they are selected.
        reports.find((each) => each['type'] === 'candidate-pair' && each['selected'] === true);
    const local = of(pair?.['localCandidateId']);
    const type = TYPES.find((known) => known === local?.['candidateType']) ?? null;
    const protocol = type === 'relay' ? local?.['relayProtocol'] : local?.['protocol'];
    return {
        roundTripSeconds: number(pair?.['currentRoundTripTime']),
        candidateType: type,
        protocol: PROTOCOLS.find((known) => known === protocol) ?? null,
        turn: type === 'relay' ? relayOf(local) : null
    };
}

const TYPES = ['host', 'srflx', 'prflx', 'relay'] as const;
const PROTOCOLS = ['udp', 'tcp', 'tls'] as const;
const LONGEST_ADDRESS = 64;

function relayOf(local: Report | undefined): string | null {
    const address = local?.['address'];
    if (typeof address === 'string' && address !== '') {
        return address.slice(0, LONGEST_ADDRESS);
    }
    const host = typeof local?.['url'] === 'string' ? /^turns?:\[?([^\]?]+?)\]?(:\d+)?(\?|$)/.exec(local['url']) : null;
    return host?.[1]?.slice(0, LONGEST_ADDRESS) ?? null;
}

/** What the service is told; `firstFrameSeconds` once. */
export function statisticsOf(figures: Figures, firstFrameSeconds: number | null): Statistics {
    const { framesPerSecond, bitrate, roundTripSeconds, jitterSeconds, candidateType, protocol, turn } = figures;
    return {
        ...(framesPerSecond === null ? {} : { framesPerSecond }),
        ...(bitrate === null ? {} : { bitrate: Math.round(bitrate) }),
        ...(roundTripSeconds === null ? {} : { roundTripSeconds }),
        ...(jitterSeconds === null ? {} : { jitterSeconds }),
        packetsLost: figures.packetsLost,
        packetsReceived: figures.packetsReceived,
        freezes: figures.freezes,
        freezeSeconds: figures.freezeSeconds,
        ...(firstFrameSeconds === null ? {} : { firstFrameSeconds }),
        ...(candidateType === null || candidateType === undefined ? {} : { candidateType }),
        ...(protocol === null || protocol === undefined ? {} : { protocol }),
        ...(turn === null ? {} : { turn })
    };
}

export type Verdict = 'good' | 'fair' | 'poor';

/** From where on a figure is only fair, or poor. A round trip of 0.1 s is felt, one of 0.25 s spoils games. */
const BOUNDS = {
    roundTripSeconds: [0.1, 0.25],
    jitterSeconds: [0.03, 0.08],
    loss: [0.01, 0.05]
} as const;

/** One word for a connection: that of its worst figure. */
export function verdictOf(figures: Figures): Verdict {
    const grades = Object.entries(BOUNDS).map(([name, [fair, poor]]) => {
        const value = figures[name as keyof typeof BOUNDS] ?? 0;
        return value >= poor ? 2 : value >= fair ? 1 : 0;
    });
    return (['good', 'fair', 'poor'] as const)[Math.max(...grades)] ?? 'good';
}

function number(value: unknown): number | null {
    return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

function sum(reports: readonly Report[], name: string): number {
    return reports.reduce((total, each) => total + (number(each[name]) ?? 0), 0);
}
