import { describe, expect, it } from 'vitest';
import {
    begin,
    pause,
    QUEUE_SECONDS,
    step,
    UNREACHABLE_SECONDS,
    type Connection,
    type Effect,
    type Happening,
    type Ticket
} from './resumption';

const CONFIG = '{"type":"config","peerConnectionOptions":{}}';
const TICKET = '{"type":"sessionTicket","ticket":"T1","session":"s"}';
const READY = '{"type":"sessionState","state":"ready","role":"owner","graceSeconds":30}';
const RESUMED = '{"type":"sessionState","state":"resumed","role":"owner","graceSeconds":30}';
const LIST = '{"type":"listStreamers"}';
const opened: Happening = { kind: 'opened' };

function state(name: string, fields: object): string {
    return JSON.stringify({ type: 'sessionState', state: name, ...fields });
}

function frame(data: string): Happening {
    return { kind: 'frame', data };
}

function send(data: string): Happening {
    return { kind: 'send', data };
}

function dropped(now: number, code = 1006): Happening {
    return { kind: 'dropped', code, reason: '', now };
}

/** Everything that happens to a connection, and everything it does. */
function run(ticket: Ticket | null, ...happenings: Happening[]): { connection: Connection; effects: Effect[] } {
    let [connection, effects]: readonly [Connection, readonly Effect[]] = begin(ticket, 0);
    const all = [...effects];
    for (const happening of happenings) {
        [connection, effects] = step(connection, happening);
        all.push(...effects);
    }
    return { connection, effects: all };
}

const PLAYING = [
    opened,
    send(LIST),
    frame(CONFIG),
    frame(TICKET),
    frame(READY),
    { kind: 'standing', stands: true }
] as const;

/** The effects of what happens after the stream plays. */
function playing(...happenings: Happening[]): { connection: Connection; effects: Effect[] } {
    const before = run(null, ...PLAYING).effects.length;
    const { connection, effects } = run(null, ...PLAYING, ...happenings);
    return { connection, effects: effects.slice(before) };
}

function names(effects: readonly Effect[]): string[] {
    return effects.map((effect) => effect.do);
}

function transmitted(effects: readonly Effect[]): string[] {
    return effects.flatMap((effect) => (effect.do === 'transmit' ? [effect.data] : []));
}

function delivered(effects: readonly Effect[]): string[] {
    return effects.flatMap((effect) => (effect.do === 'deliver' ? [effect.data] : []));
}

describe('a first connection', () => {
    it('gives the library its frames and the page its messages', () => {
        const { effects } = run(null, ...PLAYING);
        expect(transmitted(effects)).toEqual([LIST]);
        expect(delivered(effects)).toEqual([CONFIG]);
        expect(names(effects).filter((name) => name === 'announce')).toHaveLength(2);
        expect(names(effects).filter((name) => name === 'open')).toHaveLength(1);
    });

    it('is tried again without the library noticing, until the service counts as unreachable', () => {
        const again = run(null, dropped(1), { kind: 'due', now: 400 }, opened);
        expect(names(again.effects)).toEqual(['connect', 'wait', 'back off', 'connect', 'wait', 'rest', 'open']);
        const { connection, effects } = run(null, dropped(1), dropped(UNREACHABLE_SECONDS * 1000 + 1));
        expect(connection.phase).toBe('closed');
        expect(effects.at(-1)).toMatchObject({ do: 'finish', cause: 'unreachable' });
    });

    it('is given up by itself where nothing answers', () => {
        expect(names(run(null, { kind: 'due', now: 8000 }).effects).slice(2)).toEqual(['cut', 'back off']);
    });

    it('says first where it was before, and asks for a new offer', () => {
        const { effects } = run({ ticket: 'T0', session: 's' }, opened, send(LIST));
        expect(transmitted(effects)).toEqual(['{"type":"sessionResume","ticket":"T0","fresh":true}', LIST]);
        expect(names(effects).indexOf('transmit')).toBeLessThan(names(effects).indexOf('open'));
    });
});

describe('a loss while the stream plays', () => {
    it('is mended with the newest ticket, and the library sees nothing of it', () => {
        const { connection, effects } = playing(
            frame('{"type":"sessionTicket","ticket":"T2","session":"s"}'),
            dropped(1000),
            send('{"type":"iceCandidate"}'),
            { kind: 'due', now: 1300 },
            opened,
            frame(CONFIG),
            frame(RESUMED)
        );
        expect(transmitted(effects)).toEqual([
            '{"type":"sessionResume","ticket":"T2","fresh":false}',
            '{"type":"iceCandidate"}'
        ]);
        expect(delivered(effects)).toEqual([]);
        expect(names(effects)).not.toContain('open');
        expect(names(effects)).not.toContain('renew');
        expect(names(effects).filter((name) => ['lost', 'back'].includes(name))).toEqual(['lost', 'back']);
        expect(connection.phase).toBe('open');
    });

    it('keeps what the library sends until the service goes on, not only until it answers', () => {
        const waiting = playing(dropped(0), { kind: 'due', now: 1 }, opened, send('{"type":"x"}'));
        expect(transmitted(waiting.effects)).toEqual(['{"type":"sessionResume","ticket":"T1","fresh":false}']);
    });

    it("answers the library's pings meanwhile, the one before it included", () => {
        const { effects } = playing(
            send('{"type":"ping","time":1}'),
            dropped(0),
            send('{"type":"ping","time":2}'),
            { kind: 'due', now: 1 },
            opened,
            frame(RESUMED)
        );
        expect(delivered(effects)).toEqual(['{"type":"pong","time":1}', '{"type":"pong","time":2}']);
        expect(transmitted(effects).filter((data) => data.includes('ping'))).toEqual(['{"type":"ping","time":1}']);
    });

    it('is noticed when a ping has no answer, or the browser has a network again', () => {
        for (const happening of [
            { kind: 'close', code: undefined, reason: '', now: 5 },
            { kind: 'network', now: 5 }
        ] satisfies Happening[]) {
            expect(names(playing(happening).effects)).toEqual(['cut', 'lost', 'back off']);
        }
    });

    it('waits no longer once there is a network', () => {
        expect(names(playing(dropped(0), { kind: 'network', now: 9 }).effects).slice(-2)).toEqual(['connect', 'wait']);
        expect(names(playing(dropped(0), { kind: 'seen' }).effects).slice(-2)).toEqual(['connect', 'wait']);
        expect(names(playing({ kind: 'seen' }).effects)).toEqual([]);
    });

    it('is borne for the grace time and a little, then told', () => {
        const tries = Array.from({ length: 30 }, (_, second): Happening[] => [
            { kind: 'due', now: second * 2000 },
            dropped(second * 2000)
        ]).flat();
        const { connection, effects } = playing(dropped(0), ...tries);
        expect(connection.phase).toBe('closed');
        expect(effects.at(-1)).toMatchObject({ do: 'finish', cause: 'lost' });
        const attempts = names(effects).filter((name) => name === 'connect').length;
        expect(attempts).toBeGreaterThan(15);
        expect(attempts).toBeLessThan(25);
    });

    it('ends as the library knows it when there is nothing to go on with', () => {
        const failed = '{"type":"sessionState","state":"failed","reason":"session_over","message":"","retry":true}';
        const refused = (now: number): Happening[] => [
            { kind: 'due', now },
            opened,
            frame(failed),
            dropped(now + 8, 1001)
        ];
        // The streamer may only have forgotten this player: first it is asked for a new offer.
        const once = playing(dropped(0), ...refused(1), { kind: 'due', now: 500 }, opened, frame(CONFIG), frame(READY));
        expect(transmitted(once.effects).slice(0, 2)).toEqual([
            '{"type":"sessionResume","ticket":"T1","fresh":false}',
            '{"type":"sessionResume","ticket":"T1","fresh":true}'
        ]);
        expect(once.connection.phase).toBe('open');
        const { connection, effects } = playing(dropped(0), ...refused(1), ...refused(500));
        expect(connection.ticket).toBeNull();
        expect(effects.at(-1)).toMatchObject({ do: 'finish', cause: 'told' });
    });

    it.each(['rate_limited', 'full'])('goes on while the service refuses with %s, within the grace time', (reason) => {
        const refusal = frame(state('failed', { reason, message: 'No room.', retry: true }));
        const refused = (now: number): Happening[] => [{ kind: 'due', now }, opened, refusal, dropped(now, 1001)];
        const back = playing(dropped(0), ...refused(300), ...refused(20_000), { kind: 'due', now: 30_000 }, opened);
        expect(names(back.effects)).not.toContain('announce');
        expect(transmitted(back.effects).at(-1)).toBe('{"type":"sessionResume","ticket":"T1","fresh":false}');
        expect(back.connection.phase).toBe('resuming');
        const given = playing(dropped(0), ...refused(300), ...refused(41_000));
        expect(given.effects.at(-1)).toMatchObject({ do: 'finish', cause: 'lost' });
        // Another end of that code is still one.
        const ended = playing(dropped(0), ...refused(300), { kind: 'due', now: 600 }, opened, dropped(700, 1001));
        expect(ended.effects.at(-1)).toMatchObject({ do: 'finish', cause: 'refused' });
    });

    it('is over where the service refuses for good, or somebody new', () => {
        const refusal = (retry: boolean): Happening => frame(state('failed', { reason: 'full', message: '', retry }));
        const forGood = playing(dropped(0), { kind: 'due', now: 1 }, opened, refusal(false), dropped(9, 1001));
        expect(forGood.effects.at(-1)).toMatchObject({ do: 'finish', cause: 'told' });
        const somebody = run(null, opened, refusal(true), dropped(9, 1001));
        expect(names(somebody.effects).slice(-3)).toEqual(['announce', 'rest', 'finish']);
    });

    it('has no end of its time put off by a service that says nothing but its config', () => {
        const again = (now: number): Happening[] => [{ kind: 'due', now }, opened, frame(CONFIG), dropped(now)];
        const still: Happening = { kind: 'standing', stands: false };
        const tries = Array.from({ length: 45 }, (_, second) => again(second * 1000)).flat();
        const { effects } = playing(still, dropped(0), ...tries);
        expect(effects.at(-1)).toMatchObject({ do: 'finish', cause: 'lost' });
        const pauses = effects.flatMap((effect) => (effect.do === 'back off' ? [effect.tries] : []));
        expect(pauses.slice(0, 4)).toEqual([0, 1, 2, 3]);
    });

    it('asks for a new offer at once where media has failed while it was mended', () => {
        const failed: Happening = { kind: 'standing', stands: false };
        const back: Happening[] = [dropped(0), { kind: 'due', now: 1 }, opened, frame(CONFIG), send('{"type":"x"}')];
        const { connection, effects } = playing(...back, failed, { kind: 'renew', now: 2 }, frame(RESUMED), opened);
        expect(transmitted(effects)).toEqual([
            '{"type":"sessionResume","ticket":"T1","fresh":false}',
            '{"type":"sessionResume","ticket":"T1","fresh":true}'
        ]);
        expect(names(effects).slice(-6)).toEqual(['announce', 'cut', 'connect', 'wait', 'transmit', 'renew']);
        expect(connection.phase).toBe('renewing');
    });

    it('begins anew when the service has no instance to go on with', () => {
        const queued = '{"type":"sessionState","state":"queued","position":1}';
        const { connection, effects } = playing(
            dropped(0),
            { kind: 'due', now: 1 },
            opened,
            frame(CONFIG),
            frame(queued)
        );
        expect(names(effects).slice(-5)).toEqual(['renew', 'rest', 'deliver', 'transmit', 'back']);
        expect(transmitted(effects).at(-1)).toBe(LIST);
        expect(connection.phase).toBe('open');
    });
});

describe('a ticket', () => {
    const other = '{"type":"sessionTicket","ticket":"X","session":"another"}';

    it('for a new session, given before the one handed in was looked at, is not taken', () => {
        const back: Happening[] = [dropped(0), { kind: 'due', now: 1 }, opened, frame(CONFIG), frame(other)];
        const { connection, effects } = playing(...back);
        expect(connection.ticket).toEqual({ ticket: 'T1', session: 's' });
        expect(names(effects)).not.toContain('announce');
        const renewed = '{"type":"sessionTicket","ticket":"T2","session":"s"}';
        expect(playing(...back, frame(renewed)).connection.ticket?.ticket).toBe('T2');
        expect(run({ ticket: 'T0', session: 's' }, opened, frame(other)).connection.ticket?.ticket).toBe('T0');
    });

    it('of an earlier page is shown again where the service has no room at the moment', () => {
        const refusal = frame(state('failed', { reason: 'rate_limited', message: '', retry: true }));
        const kept = { ticket: 'T0', session: 's' };
        const { connection, effects } = run(kept, opened, refusal, dropped(5, 1001), { kind: 'due', now: 9 }, opened);
        expect(connection.ticket).toEqual(kept);
        expect(names(effects)).not.toContain('announce');
        expect(transmitted(effects)).toHaveLength(2);
    });

    it('keeps its place when an instance dies before the first picture, some times', () => {
        const failed = '{"type":"sessionState","state":"failed","reason":"instance_failed","message":"","retry":true}';
        const again: Happening[] = [frame(failed), dropped(0, 1012), { kind: 'due', now: 1 }, opened, frame(CONFIG)];
        const before = [opened, frame(CONFIG), frame(TICKET)];
        const { connection, effects } = run(null, ...before, ...again);
        expect(transmitted(effects)).toEqual(['{"type":"sessionResume","ticket":"T1","fresh":true}', LIST]);
        expect(connection.phase).toBe('open');
        const given = run(null, ...before, ...again, ...again, ...again, frame(failed), dropped(0, 1012));
        expect(given.effects.at(-1)).toMatchObject({ do: 'finish', cause: 'told' });
        // Somebody who was playing is told.
        expect(names(playing(frame(failed), dropped(0, 1012)).effects)).toEqual(['announce', 'rest', 'finish']);
    });
});

describe('a loss before the stream plays', () => {
    it("asks for a new offer, and for the streamers in the library's place", () => {
        const { effects } = run(
            null,
            opened,
            send(LIST),
            frame(CONFIG),
            frame(TICKET),
            dropped(0),
            { kind: 'due', now: 1 },
            opened,
            frame(CONFIG)
        );
        expect(transmitted(effects)).toEqual([LIST, '{"type":"sessionResume","ticket":"T1","fresh":true}', LIST]);
        expect(delivered(effects)).toEqual([CONFIG, CONFIG]);
        expect(names(effects).indexOf('renew')).toBeLessThan(names(effects).lastIndexOf('deliver'));
    });

    it('keeps nothing of the peer connection that goes', () => {
        const answer = '{"type":"answer"}';
        const { effects } = run(
            null,
            opened,
            frame(CONFIG),
            frame(TICKET),
            dropped(0),
            send(answer),
            { kind: 'due', now: 1 },
            opened,
            send(answer),
            frame(CONFIG)
        );
        expect(transmitted(effects)).not.toContain(answer);
    });

    it('keeps the place in the queue for longer than a moment', () => {
        const { connection } = run(
            null,
            opened,
            frame(CONFIG),
            frame(TICKET),
            dropped(0),
            { kind: 'due', now: 1 },
            dropped((QUEUE_SECONDS - 1) * 1000)
        );
        expect(connection.phase).toBe('waiting');
    });

    it('cannot be mended without a ticket', () => {
        expect(run(null, opened, dropped(0)).effects.at(-1)).toMatchObject({ do: 'finish', cause: 'lost' });
    });
});

describe('the end', () => {
    it.each([1000, 1001, 1008, 1011, 1013, 4900])('is final when the service closes with %i', (code) => {
        expect(playing(dropped(0, code)).effects.at(-1)).toMatchObject({ do: 'finish', cause: 'refused', code });
    });

    it.each([1005, 1006, 1012])('is not there yet when the socket goes with %i', (code) => {
        expect(names(playing(dropped(0, code)).effects)).toEqual(['lost', 'back off']);
    });

    it('comes once, and nothing after it', () => {
        const { effects } = playing({ kind: 'close', code: 1000, reason: '', now: 1 }, dropped(1), opened, send('x'));
        expect(names(effects)).toEqual(['rest', 'cut', 'finish']);
    });
});

describe('a new offer', () => {
    it("is asked for on a new socket that takes the old one's place", () => {
        const { connection, effects } = playing({ kind: 'renew', now: 5 }, opened, frame(CONFIG));
        expect(names(effects)).toEqual([
            'cut',
            'connect',
            'wait',
            'transmit',
            'renew',
            'rest',
            'deliver',
            'transmit',
            'back'
        ]);
        expect(transmitted(effects)).toEqual(['{"type":"sessionResume","ticket":"T1","fresh":true}', LIST]);
        expect(connection.standing).toBe(false);
    });
});

describe('the pause', () => {
    it('is below a second at first, grows, and has a bound', () => {
        expect(pause(0, 1)).toBeLessThan(1);
        expect(pause(0, 0)).toBeGreaterThan(0);
        expect(pause(3, 0.5)).toBeGreaterThan(pause(1, 0.5));
        expect(pause(50, 1)).toBe(5);
    });
});

describe('whatever happens', () => {
    const possible: ((now: number) => Happening)[] = [
        () => opened,
        () => frame(CONFIG),
        () => frame(TICKET),
        () => frame(READY),
        () => frame(RESUMED),
        () => frame('{"type":"sessionState","state":"queued","position":3}'),
        () => frame('{"type":"sessionState","state":"ended","reason":"idle","message":""}'),
        () => frame('{"type":"sessionState","state":"failed","reason":"full","message":"","retry":true}'),
        () => frame('{"type":"sessionNothing"}'),
        () => frame('no json'),
        () => frame('{"type":"pong","time":1}'),
        () => send('{"type":"ping","time":1}'),
        () => send('{"type":"answer"}'),
        () => ({ kind: 'say', message: { type: 'sessionActivity' } }),
        (now) => dropped(now),
        (now) => dropped(now, 1012),
        (now) => ({ kind: 'due', now }),
        (now) => ({ kind: 'network', now }),
        (now) => ({ kind: 'renew', now }),
        () => ({ kind: 'standing', stands: true }),
        () => ({ kind: 'standing', stands: false })
    ];

    it('the library opens once and ends once, and nothing goes out where no socket is open', () => {
        let seed = 7;
        const next = (below: number): number => {
            seed = (seed * 1103515245 + 12345) % 2147483648;
            return Math.floor((seed / 2147483648) * below);
        };
        const wrong: string[] = [];
        for (let round = 0; round < 3000; round++) {
            let [connection, effects]: readonly [Connection, readonly Effect[]] = begin(
                next(2) ? { ticket: 'T', session: 's' } : null,
                0
            );
            const done = names(effects);
            for (let now = 0; now < 40; now++) {
                const before = connection.phase;
                const happening = possible[next(possible.length)]?.(now * 500);
                if (happening === undefined || (happening.kind === 'opened' && before !== 'connecting')) {
                    continue;
                }
                [connection, effects] = step(connection, happening);
                if (['waiting', 'closed'].includes(before) && transmitted(effects).length > 0) {
                    wrong.push(`sends while ${before}: ${JSON.stringify(happening)}`);
                }
                done.push(...names(effects));
            }
            const count = (name: Effect['do']): number => done.filter((each) => each === name).length;
            if (
                count('open') > 1 ||
                count('finish') > 1 ||
                (count('finish') === 1) !== (connection.phase === 'closed')
            ) {
                wrong.push(done.join());
            }
        }
        expect(wrong).toEqual([]);
    });
});
