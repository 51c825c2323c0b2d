import { expect, test } from 'vitest';
import { Client, filled, Refused, Unauthorized, Unreachable, wordsOf, type Fetch } from './client';

interface Asked {
    readonly address: string;
    readonly options: RequestInit;
}

function service(answers: (() => Response | Promise<Response>)[]): { client: Client; asked: Asked[] } {
    const asked: Asked[] = [];
    const fetch: Fetch = async (address, options) => {
        asked.push({ address, options });
        const answer = answers[asked.length - 1];
        if (answer === undefined) {
            throw new Error('asked too often');
        }
        return answer();
    };
    return { client: new Client('https://ops.example.com/x', { key: 'k3y', name: 'Zoë Ł' }, fetch), asked };
}

const nodes = (tag: string, items: unknown[] = []): Response => Response.json({ items }, { headers: { ETag: tag } });

test('the key travels as a bearer, the name as UTF-8, and nothing as a cookie', async () => {
    const { client, asked } = service([() => nodes('W/"1"')]);
    await client.get('/api/v1/nodes', {});
    const { address, options } = asked[0] ?? { address: '', options: {} };
    const headers = options.headers as Record<string, string>;
    expect(address).toBe('https://ops.example.com/x/api/v1/nodes');
    expect(headers['Authorization']).toBe('Bearer k3y');
    const bytes = Uint8Array.from(headers['X-Operator'] ?? '', (each) => each.charCodeAt(0));
    expect(new TextDecoder().decode(bytes)).toBe('Zoë Ł');
    expect(options).toMatchObject({ credentials: 'omit', redirect: 'error' });
});

test('what has not changed is the same object', async () => {
    const { client, asked } = service([
        () => nodes('W/"1"'),
        () => new Response(null, { status: 304 }),
        () => nodes('W/"2"', [1])
    ]);
    const first = await client.get('/api/v1/nodes', {});
    expect(await client.get('/api/v1/nodes', {})).toBe(first);
    expect((asked[1]?.options.headers as Record<string, string>)['If-None-Match']).toBe('W/"1"');
    expect(await client.get('/api/v1/nodes', {})).not.toBe(first);
});

/** Ends only as an error, once it is aborted. */
function hanging(signal: AbortSignal): ReadableStream {
    return new ReadableStream().pipeThrough(new TransformStream(), { signal });
}

test.each<[string, (signal: AbortSignal) => Promise<Response>]>([
    ['does not begin', (signal) => hanging(signal).getReader().read() as Promise<never>],
    ['does not end', (signal) => Promise.resolve(new Response(hanging(signal)))]
])('an answer that %s is not waited for', async (_, answer) => {
    const fetch: Fetch = (_, options) => answer(options.signal as AbortSignal);
    const client = new Client('', { key: 'k', name: 'n' }, fetch, 0.02);
    const error = await client.get('/api/v1/nodes', {}).catch((each: unknown) => each);
    expect(error).toBeInstanceOf(Unreachable);
    expect(wordsOf(error)).toBe('The session API does not answer: no answer within 0.02 s');
});

test('what is known of one address says nothing of another', async () => {
    const { client, asked } = service([() => nodes('W/"1"'), () => nodes('W/"1"')]);
    await client.get('/api/v1/sessions', {}, { limit: '1' });
    await client.get('/api/v1/sessions', {}, { limit: '2' });
    expect(asked[1]?.options.headers).not.toHaveProperty('If-None-Match');
    expect(asked[1]?.address).toMatch(/sessions\?limit=2$/);
});

test('names in a path are escaped', () => {
    const path = '/api/v1/applications/{application}/versions/{version}/drain';
    expect(filled(path, { application: 'a/b', version: '1?x' })).toBe(
        '/api/v1/applications/a%2Fb/versions/1%3Fx/drain'
    );
});

test('an action is sent as JSON', async () => {
    const { client, asked } = service([() => Response.json({ target: 's1', seconds: 5 }, { status: 202 })]);
    const done = await client.post('/api/v1/sessions/{session}/end', { session: 's1' }, { seconds: 5 });
    expect(done.seconds).toBe(5);
    expect(asked[0]?.options).toMatchObject({ method: 'POST', body: '{"seconds":5}' });
    expect(asked[0]?.options.headers).toMatchObject({ 'Content-Type': 'application/json' });
});

const PROBLEM = { title: 'Not Found', status: 404, detail: 'There is no such session.', remedy: 'List what there is' };

test.each([
    [() => Response.json({}, { status: 401 }), Unauthorized, 'The session API does not answer: '],
    [() => Response.json(PROBLEM, { status: 404 }), Refused, 'There is no such session. List what there is.'],
    [() => Response.json({ ...PROBLEM, remedy: null }, { status: 409 }), Refused, 'There is no such session.'],
    [() => new Response('<html>', { status: 502 }), Unreachable, 'The session API does not answer: an answer'],
    [() => new Response('<html>', { status: 200 }), Unreachable, 'The session API does not answer: an answer'],
    [() => Promise.reject(new TypeError('Failed to fetch')), Unreachable, 'Failed to fetch']
] as const)('%# is an error that says what it is', async (answer, kind, words) => {
    const { client } = service([answer]);
    const error = await client.get('/api/v1/nodes', {}).catch((each: unknown) => each);
    expect(error).toBeInstanceOf(kind);
    expect(wordsOf(error)).toContain(words);
});
