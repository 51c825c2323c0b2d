import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Client } from './client';
import { Service, type Health } from './service';

beforeEach(() => {
    vi.useFakeTimers();
});
afterEach(() => {
    vi.useRealTimers();
});

function service(answer: (path: string) => Response): {
    it: Service;
    asked: string[];
    health: Health[];
    out: string[];
} {
    const asked: string[] = [];
    const health: Health[] = [];
    const out: string[] = [];
    const client = new Client('', { key: 'k', name: 'n' }, (address) => {
        asked.push(address);
        return Promise.resolve(answer(address));
    });
    const it = new Service(
        client,
        (each) => health.push(each),
        () => out.push('out'),
        () => 1000
    );
    return { it, asked, health, out };
}

const seconds = (count: number): Promise<unknown> => vi.advanceTimersByTimeAsync(count * 1000);
const problem = { title: 'Service Unavailable', status: 503, detail: 'the store does not answer', remedy: null };

test('only what is looked at is asked for; instances are asked for players the less often, the more there are', async () => {
    const many = Array.from({ length: 2000 }, (_, at) => ({ id: String(at) }));
    const { it, asked } = service(() => Response.json({ items: many, next: null }));
    it.played.watch(() => undefined);
    await seconds(19);
    expect(asked).toEqual(['/api/v1/sessions?limit=1000&after=&players=true']);
    await seconds(2);
    expect(asked.length).toBe(2);
});

test('queues are those of all applications', async () => {
    const { it, asked } = service((path) =>
        path.endsWith('/applications')
            ? Response.json({ items: [{ name: 'a' }, { name: 'b' }] })
            : Response.json({ application: path.split('/')[4], waiting: 0, items: [] })
    );
    const heard: string[][] = [];
    it.queues.watch((queues) => heard.push(queues.map((each) => each.application)));
    await seconds(0);
    expect(heard).toEqual([['a', 'b']]);
    expect(asked[1]).toBe('/api/v1/applications/a/queue?limit=1000');
});

test('one part that is away is told, though others answer', async () => {
    const { it, health } = service((path) =>
        path.includes('/audit') ? Response.json(problem, { status: 503 }) : Response.json({ items: [] })
    );
    it.nodes.watch(() => undefined);
    const end = it.audit.watch(() => undefined);
    await seconds(1);
    expect(health.at(-1)).toEqual({ heard: 1000, trouble: 'the store does not answer' });
    end();
    await seconds(10);
    expect(health.at(-1)?.trouble).toBeNull();
});

test('a key that no longer holds ends all questions', async () => {
    const { it, asked, out } = service(() => Response.json({}, { status: 401 }));
    it.nodes.watch(() => undefined);
    it.sessions.watch(() => undefined);
    await seconds(120);
    expect(out.length).toBeGreaterThan(0);
    expect(asked.length).toBe(1);
});
