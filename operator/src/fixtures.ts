/** Things as the API answers them, for tests. */
import type { Application, Fleet, Instance, Node, Player, Session } from './api/types';

export function session(more: Partial<Session> = {}): Session {
    return {
        id: 's1',
        application: 'showroom',
        state: 'running',
        subject: 'ada',
        priority: 0,
        version: '1-4-2',
        instance: 'showroom-1',
        node: 'gpu-1',
        gpu: 'nvidia.com/gpu',
        joined: null,
        started: '2027-01-15T08:30:00Z',
        position: null,
        players: null,
        ...more
    };
}

export function player(more: Partial<Player> = {}): Player {
    return { player: 'p1', role: 'owner', connected: true, since: null, stats: null, ...more };
}

export function fleet(more: Partial<Fleet> = {}): Fleet {
    return {
        name: 'showroom-1-4-2',
        version: '1-4-2',
        weight: 100,
        drained: false,
        rolled_back: null,
        buffer: 3,
        target: 3,
        override: null,
        starting: 0,
        idle: 3,
        sessions: 1,
        ...more
    };
}

export function instance(more: Partial<Instance> = {}): Instance {
    return {
        name: 'showroom-1',
        application: 'showroom',
        version: '1-4-2',
        state: 'idle',
        node: 'gpu-1',
        gpu: 'nvidia.com/gpu',
        address: null,
        session: null,
        started: null,
        players: null,
        ...more
    };
}

export function application(more: Partial<Application> = {}): Application {
    return { name: 'showroom', paused: false, waiting: 0, fleets: [fleet()], ...more };
}

export function node(more: Partial<Node> = {}): Node {
    return {
        name: 'gpu-1',
        pools: ['gpu'],
        ready: true,
        schedulable: true,
        shape: 'VM.GPU.A10.1',
        gpus: 1,
        instances: 1,
        sessions: 1,
        kubelet: 'v1.36.1',
        created: null,
        ...more
    };
}
