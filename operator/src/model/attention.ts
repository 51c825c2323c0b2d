/** Buffers against their targets, and what an operator should look at first. Pure. */
import type { Application, Fleet, Node, TurnNode } from '../api/types';
import { linkTo } from '../route';
import type { Row } from './sessions';
import { counted } from './words';

export interface Buffer {
    readonly ready: number;
    readonly starting: number;
    /** Warm instances that are to be there for players to come. */
    readonly target: number;
    /** An operator asked for it. */
    readonly overridden: boolean;
    /** A fleet controller keeps it: it can be changed. */
    readonly kept: boolean;
}

/** What a version keeps ready. Without a fleet controller the stack's number is the target. */
export function bufferOf(fleet: Fleet): Buffer {
    return {
        ready: fleet.idle,
        starting: fleet.starting,
        target: fleet.target ?? fleet.buffer,
        overridden: fleet.override !== null,
        kept: fleet.target !== null
    };
}

/** What fills a buffer's bar, as shares of its whole length. */
export function filling(buffer: Buffer): { ready: number; starting: number; target: number } {
    const whole = Math.max(1, buffer.target, buffer.ready + buffer.starting);
    return { ready: buffer.ready / whole, starting: buffer.starting / whole, target: buffer.target / whole };
}

export interface Attention {
    readonly key: string;
    readonly serious: boolean;
    readonly text: string;
    /** Where to look; null where it is to be seen beside this. */
    readonly link: string | null;
}

interface Seen {
    readonly applications: readonly Application[];
    readonly rows: readonly Row[];
    readonly nodes: readonly Node[];
    readonly turnNodes: readonly TurnNode[];
}

/** What is not as it should be, the serious first. */
export function attention(seen: Seen): Attention[] {
    const found = [...seen.applications.flatMap(ofApplication), ...ofSessions(seen.rows), ...ofNodes(seen)];
    return found.sort((one, other) => Number(other.serious) - Number(one.serious));
}

function ofApplication(application: Application): Attention[] {
    const { name } = application;
    const found: Attention[] = [];
    const say = (what: string, serious: boolean, text: string, link: string | null = null): void => {
        found.push({ key: `${name} ${what}`, serious, text: `${name}: ${text}`, link });
    };
    if (application.paused) {
        say('paused', false, 'paused, nobody new is let in');
    }
    if (application.waiting > 0) {
        say(
            'waiting',
            false,
            `${counted(application.waiting, 'player waits', 'players wait')} for an instance`,
            linkTo('queue')
        );
    }
    for (const fleet of application.fleets) {
        const { ready, target, starting } = bufferOf(fleet);
        if (fleet.rolled_back !== null) {
            const why = fleet.rolled_back === '' ? '' : `: ${fleet.rolled_back}`;
            say(`${fleet.version} back`, true, `version ${fleet.version} was rolled back${why}`);
        }
        if (ready < target) {
            const coming = starting === 0 ? 'none starting' : `${starting} starting`;
            const text = `version ${fleet.version} has ${ready} of ${target} instances ready, ${coming}`;
            say(`${fleet.version} buffer`, ready === 0 && starting === 0, text);
        }
        if (fleet.drained && fleet.sessions === 0) {
            say(`${fleet.version} empty`, false, `version ${fleet.version} is drained: no session uses it any more`);
        }
    }
    return found;
}

function ofSessions(rows: readonly Row[]): Attention[] {
    const poor = rows.filter((row) => row.quality?.verdict === 'poor').length;
    const text = `${counted(poor, 'player has', 'players have')} a poor picture`;
    return poor === 0 ? [] : [{ key: 'poor', serious: false, text, link: linkTo('sessions', { quality: 'poor' }) }];
}

function ofNodes({ nodes, turnNodes }: Seen): Attention[] {
    const down = nodes
        .filter((node) => !node.ready)
        .map((node) => ({
            key: `${node.name} down`,
            serious: true,
            text: `Node ${node.name} is not ready${node.sessions === 0 ? '' : `, with ${counted(node.sessions, 'session', 'sessions')}`}`,
            link: linkTo('nodes')
        }));
    const offered = turnNodes.some((node) => node.offered);
    const none = { key: 'turn', serious: true, text: 'No TURN node takes players', link: linkTo('nodes') };
    return offered ? down : [...down, none];
}
