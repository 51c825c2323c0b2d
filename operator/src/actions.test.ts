import { expect, test } from 'vitest';
import { actionOf, USUAL, type Asked } from './actions';
import { Client } from './api/client';

const VERSION = { application: 'showroom', version: '1-4-2' };

async function carriedOut(asked: Asked, choice = {}): Promise<[string, unknown]> {
    const said: [string, unknown][] = [];
    const client = new Client('', { key: 'k', name: 'n' }, (address, options) => {
        said.push([address, JSON.parse(options.body as string)]);
        return Promise.resolve(Response.json({ target: '', seconds: 0 }));
    });
    const action = actionOf(asked);
    await action.carryOut(client, { ...USUAL, ...action.usual, ...choice });
    return said[0] ?? ['', null];
}

test.each<[Asked, string, unknown]>([
    [{ kind: 'end', session: 's1', who: 'ada' }, 'sessions/s1/end', { seconds: 60, reason: 'terminated' }],
    [{ kind: 'dismiss', session: 's1', who: 'ada' }, 'sessions/s1/end', {}],
    [{ kind: 'drain-instance', instance: 'a-1', busy: true }, 'instances/a-1/drain', { seconds: 300 }],
    [{ kind: 'drain-instance', instance: 'a-1', busy: false }, 'instances/a-1/drain', { seconds: 0 }],
    [{ kind: 'drain-version', ...VERSION, sessions: 2 }, 'applications/showroom/versions/1-4-2/drain', {}],
    [{ kind: 'resume-version', ...VERSION }, 'applications/showroom/versions/1-4-2/resume', {}],
    [{ kind: 'pause', application: 'showroom' }, 'applications/showroom/pause', {}],
    [{ kind: 'resume', application: 'showroom' }, 'applications/showroom/resume', {}],
    [{ kind: 'buffer', ...VERSION, target: 3 }, 'applications/showroom/versions/1-4-2/buffer', { instances: 3 }],
    [{ kind: 'reset-buffer', ...VERSION }, 'applications/showroom/versions/1-4-2/buffer/reset', {}]
])('%j is asked of its route', async (asked, path, body) => {
    expect(await carriedOut(asked)).toEqual([`/api/v1/${path}`, body]);
});

test('what the person chose is what is asked for', async () => {
    const choice = { seconds: 5, reason: 'maintenance' };
    expect(await carriedOut({ kind: 'end', session: 's1', who: 'ada' }, choice)).toEqual([
        '/api/v1/sessions/s1/end',
        choice
    ]);
});

test('what somebody loses something by is confirmed, and says what', () => {
    const asked: Asked[] = [
        { kind: 'end', session: 's1', who: 'ada' },
        { kind: 'dismiss', session: 's1', who: 'ada' },
        { kind: 'drain-instance', instance: 'a-1', busy: true },
        { kind: 'drain-instance', instance: 'a-1', busy: false },
        { kind: 'drain-version', ...VERSION, sessions: 0 },
        { kind: 'pause', application: 'showroom' }
    ];
    for (const each of asked) {
        const { hurts, consequence } = actionOf(each);
        expect([each.kind, hurts, consequence.length > 20]).toEqual([each.kind, true, true]);
    }
    for (const kind of ['resume-version', 'reset-buffer'] as const) {
        expect(actionOf({ kind, ...VERSION }).hurts).toBe(false);
    }
});

test('what was done is said', () => {
    const end = actionOf({ kind: 'end', session: 's1', who: 'ada' });
    expect(end.done({ ...USUAL, seconds: 0 })).toBe('The session of ada ends now.');
    expect(end.done(USUAL)).toBe('The session of ada ends in 60 s.');
});
