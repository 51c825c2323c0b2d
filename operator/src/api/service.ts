/** The service as this page sees it: what it watches, how often, and how it has things done. */
import { Unauthorized, type Client } from './client';
import { Watched, type Round } from './live';
import { same, whole } from './pages';
import type { Application, AuditEntry, Instance, Node, Queue, Session, TurnNode } from './types';

export interface Health {
    /** When an answer came last, in milliseconds; null before the first. */
    readonly heard: number | null;
    /** Why one of the questions has no answer; null where all have. */
    readonly trouble: string | null;
}

const OFTEN = (): number => 2;
const SELDOM = (): number => 10;
const LIMIT = '1000';
export const AUDIT_PAGE = 100;

export class Service implements Round {
    hidden = false;
    health: Health = { heard: null, trouble: null };
    readonly sessions: Watched<readonly Session[]>;
    /** The sessions with who takes part, for which every instance is asked: less often, the more there are. */
    readonly played: Watched<readonly Session[]>;
    readonly applications: Watched<readonly Application[]>;
    readonly queues: Watched<readonly Queue[]>;
    readonly instances: Watched<readonly Instance[]>;
    readonly nodes: Watched<readonly Node[]>;
    readonly turnNodes: Watched<readonly TurnNode[]>;
    /** Its newest page. */
    readonly audit: Watched<readonly AuditEntry[]>;

    constructor(
        readonly client: Client,
        private readonly changed: (health: Health) => void,
        private readonly unauthorized: () => void,
        private readonly now: () => number = Date.now
    ) {
        const limit = LIMIT;
        const sessions = (query: Record<string, string>) =>
            whole((after) => client.get('/api/v1/sessions', {}, { limit, after, ...query }));
        this.sessions = new Watched(this, sessions({}), OFTEN);
        this.played = new Watched(this, sessions({ players: 'true' }), (found) =>
            Math.max(5, (found?.length ?? 0) / 100)
        );
        const applications = whole(() => client.get('/api/v1/applications', {}));
        this.applications = new Watched(this, applications, OFTEN);
        this.queues = new Watched(this, queuesOf(client, applications), OFTEN);
        this.instances = new Watched(
            this,
            whole(() => client.get('/api/v1/instances', {})),
            OFTEN
        );
        this.nodes = new Watched(
            this,
            whole(() => client.get('/api/v1/nodes', {})),
            SELDOM
        );
        this.turnNodes = new Watched(
            this,
            whole(() => client.get('/api/v1/turn', {})),
            SELDOM
        );
        this.audit = new Watched(this, newest(client), OFTEN);
    }

    answered(): void {
        this.health = { heard: this.now(), trouble: this.trouble };
        this.changed(this.health);
    }

    failed(error: unknown): boolean {
        if (error instanceof Unauthorized) {
            this.stop();
            this.unauthorized();
            return false;
        }
        this.health = { heard: this.health.heard, trouble: this.trouble };
        this.changed(this.health);
        return true;
    }

    /** Something was done: ask for everything that is looked at. */
    refresh(): void {
        for (const each of this.all) {
            each.refresh();
        }
    }

    /** Nobody sees the page, or somebody does again. */
    setHidden(hidden: boolean): void {
        this.hidden = hidden;
        if (!hidden) {
            this.refresh();
        }
    }

    stop(): void {
        for (const each of this.all) {
            each.stop();
        }
    }

    private get all(): readonly Pick<Watched<unknown>, 'refresh' | 'stop' | 'trouble' | 'watched'>[] {
        const { sessions, played, applications, queues, instances, nodes, turnNodes, audit } = this;
        return [sessions, played, applications, queues, instances, nodes, turnNodes, audit];
    }

    private get trouble(): string | null {
        return this.all.find((each) => each.watched && each.trouble !== null)?.trouble ?? null;
    }
}

function queuesOf(
    client: Client,
    applications: () => Promise<readonly Application[]>
): () => Promise<readonly Queue[]> {
    let before: readonly Queue[] = [];
    return async () => {
        const names = (await applications()).map((each) => each.name);
        const path = '/api/v1/applications/{application}/queue';
        const found = await Promise.all(
            names.map((application) => client.get(path, { application }, { limit: LIMIT }))
        );
        before = same(before, found) ? before : found;
        return before;
    };
}

function newest(client: Client): () => Promise<readonly AuditEntry[]> {
    const limit = String(AUDIT_PAGE);
    return async () => (await client.get('/api/v1/audit', {}, { limit })).items;
}
