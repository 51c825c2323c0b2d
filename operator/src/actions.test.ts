import { expect, test } from 'vitest';
import { actionOf, askedToDrain, USUAL, type Asked } from './actions';
import { Client } from './api/client';
import { instance } from './fixtures';

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
    [{ kind: 'dismiss', session: 's1', who: 'ada' }, 'sessions/s1/end', { queued_only: true }],
    [{ kind: 'drain-instance', instance: 'a-1', holds: 'session' }, 'instances/a-1/drain', { seconds: 300 }],
    [{ kind: 'drain-instance', instance: 'a-1', holds: 'players' }, 'instances/a-1/drain', { seconds: 300 }],
    [{ kind: 'drain-instance', instance: 'a-1', holds: 'nobody' }, 'instances/a-1/drain', { seconds: 300 }],
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
        { kind: 'drain-instance', instance: 'a-1', holds: 'session' },
        { kind: 'drain-instance', instance: 'a-1', holds: 'players' },
        { kind: 'drain-instance', instance: 'a-1', holds: 'nobody' },
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

test.each([
    [instance({ session: 's1' }), 'the one that it has ends after a warning', ['seconds'], 'ends its session in 300 s'],
    [instance({ players: 3 }), 'when the last has left it goes', [], 'gets no other player'],
    [instance({ players: 0 }), 'its fleet starts another', [], 'gets no session any more'],
    [instance(), 'A session that begins before that is warned', [], 'gets no session any more']
])('%o is drained as whom it has', (its, consequence, fields, done) => {
    const action = actionOf(askedToDrain(its));
    expect(action.consequence).toContain(consequence);
    expect(action.fields).toEqual(fields);
    expect(action.done({ ...USUAL, ...action.usual })).toContain(`showroom-1 ${done}`);
});

test('what was done is said', () => {
    const end = actionOf({ kind: 'end', session: 's1', who: 'ada' });
    expect(end.done({ ...USUAL, seconds: 0 })).toBe('The session of ada ends now.');
    expect(end.done(USUAL)).toBe('The session of ada ends in 60 s.');
});
