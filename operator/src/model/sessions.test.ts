import { expect, test } from 'vitest';
import { node, player, session } from '../fixtures';
import { EVERYTHING, filtered, relayed, rowsOf } from './sessions';

const SPECTATOR = player({ player: 'p2', role: 'spectator' });
const PLAYED = session({
    state: 'away',
    players: [player({ connected: false, stats: { roundTripSeconds: 0.3, turn: '198.51.100.7' } }), SPECTATOR]
});

test('a row joins what the service, the instance and the node say', () => {
    const [row] = rowsOf([session()], [PLAYED], [node()]);
    expect(row).toMatchObject({ who: 'ada', state: 'away', gpu: 'A10', spectators: 1 });
    expect(row?.quality?.verdict).toBe('poor');
    expect(row?.since).toBe(Date.UTC(2027, 0, 15, 8, 30));
});

test('before its instance has told a session is as the service has it', () => {
    const [row] = rowsOf([session()], null, null);
    expect(row).toMatchObject({ state: 'running', gpu: 'GPU', players: null, spectators: 0, quality: null });
});

test('that a session ends is known before its instance says so', () => {
    const [row] = rowsOf([session({ state: 'ending' })], [PLAYED], null);
    expect(row?.state).toBe('ending');
});

test('what was told of an earlier instance does not count', () => {
    const [row] = rowsOf([session({ instance: 'showroom-2' })], [PLAYED], null);
    expect(row?.state).toBe('running');
});

test('spectators that have left do not count, and those who wait have a time too', () => {
    const gone = session({ players: [player(), { ...SPECTATOR, connected: false }] });
    const queued = session({ id: 's2', state: 'queued', started: null, joined: '2027-01-15T08:00:00Z', node: null });
    const rows = rowsOf([gone, queued], null, null);
    expect(rows.map((row) => row.spectators)).toEqual([0, 0]);
    expect(rows[1]?.since).toBe(Date.UTC(2027, 0, 15, 8));
});

const ROWS = rowsOf(
    [
        session(),
        session({ id: 's2', subject: 'Bob', application: 'configurator', instance: 'configurator-1' }),
        session({ id: 's3', subject: '', state: 'queued', instance: null, node: null, version: null })
    ],
    [PLAYED],
    null
);

test.each([
    [{}, ['s1', 's2', 's3']],
    [{ text: 'bob' }, ['s2']],
    [{ text: 'showroom ada' }, ['s1']],
    [{ text: 'gpu-1' }, ['s1', 's2']],
    [{ text: 'null' }, []],
    [{ application: 'showroom' }, ['s1', 's3']],
    [{ application: 'showroom', state: 'queued' }, ['s3']],
    [{ state: 'away' }, ['s1']],
    [{ quality: 'poor' }, ['s1']],
    [{ quality: 'good' }, []]
] as const)('the filter %j lets %j through', (filter, ids) => {
    expect(filtered(ROWS, { ...EVERYTHING, ...filter }).map((row) => row.id)).toEqual(ids);
});

test('players are counted by the relay they use', () => {
    expect([...relayed(ROWS)]).toEqual([['198.51.100.7', 1]]);
});
