/** What an operator may do, as a table: how each is asked for, what it needs to know, and how it is done. */
import type { Client } from './api/client';
import type { Instance } from './api/types';

/** What somebody has asked for, before they confirm it. */
export type Asked =
    | { readonly kind: 'end'; readonly session: string; readonly who: string }
    | { readonly kind: 'dismiss'; readonly session: string; readonly who: string }
    | { readonly kind: 'drain-instance'; readonly instance: string; readonly holds: Holds }
    | {
          readonly kind: 'drain-version';
          readonly application: string;
          readonly version: string;
          readonly sessions: number;
      }
    | { readonly kind: 'resume-version'; readonly application: string; readonly version: string }
    | { readonly kind: 'pause'; readonly application: string }
    | { readonly kind: 'resume'; readonly application: string }
    | { readonly kind: 'buffer'; readonly application: string; readonly version: string; readonly target: number }
    | { readonly kind: 'reset-buffer'; readonly application: string; readonly version: string };

/** Whom an instance has: nobody, a session of its own, or players who share it. */
export type Holds = 'nobody' | 'session' | 'players';

/** What the person may choose with it. */
export interface Choice {
    readonly seconds: number;
    readonly reason: 'terminated' | 'maintenance';
    readonly instances: number;
}

export interface Action {
    readonly title: string;
    /** What will come of it, and for whom. */
    readonly consequence: string;
    /** The button that does it. */
    readonly verb: string;
    /** Somebody loses something by it. */
    readonly hurts: boolean;
    readonly fields: readonly (keyof Choice)[];
    readonly usual: Partial<Choice>;
    readonly carryOut: (client: Client, choice: Choice) => Promise<unknown>;
    readonly done: (choice: Choice) => string;
}

export const USUAL: Choice = { seconds: 60, reason: 'terminated', instances: 0 };

const UNTIL = 'until a deployment changes the application’s settings, or you give it back';

/** The longest warning that the API takes, in seconds. */
export const LONGEST_WARNING = { end: 3600, 'drain-instance': 86_400 } as const;

export function actionOf(asked: Asked): Action {
    switch (asked.kind) {
        case 'end':
            return {
                title: `End the session of ${asked.who}`,
                consequence: 'The player is warned, and then sees that the session was ended. Nothing of it is kept.',
                verb: 'End session',
                hurts: true,
                fields: ['seconds', 'reason'],
                usual: {},
                carryOut: (client, { seconds, reason }) =>
                    client.post('/api/v1/sessions/{session}/end', { session: asked.session }, { seconds, reason }),
                done: ({ seconds }) => `The session of ${asked.who} ends ${within(seconds)}.`
            };
        case 'dismiss':
            return {
                title: `Take ${asked.who} out of the queue`,
                consequence: 'The player is told that the wait was ended, and loses the place.',
                verb: 'Take out',
                hurts: true,
                fields: [],
                usual: { seconds: 0 },
                // Who has begun to play while this was asked is not meant.
                carryOut: (client) =>
                    client.post('/api/v1/sessions/{session}/end', { session: asked.session }, { queued_only: true }),
                done: () => `${asked.who} is no longer in the queue.`
            };
        case 'drain-instance':
            return {
                title: `Drain ${asked.instance}`,
                consequence: DRAINING[asked.holds].consequence,
                verb: 'Drain instance',
                hurts: true,
                fields: asked.holds === 'session' ? ['seconds'] : [],
                // Also of an idle one: a session may begin on it while this is asked.
                usual: { seconds: 300 },
                carryOut: (client, { seconds }) =>
                    client.post('/api/v1/instances/{instance}/drain', { instance: asked.instance }, { seconds }),
                done: ({ seconds }) => `${asked.instance} ${DRAINING[asked.holds].done(seconds)}.`
            };
        case 'drain-version':
            return {
                title: `Drain version ${asked.version} of ${asked.application}`,
                consequence:
                    asked.sessions === 0
                        ? 'It gets no new sessions until it is resumed.'
                        : `It gets no new sessions until it is resumed. Those that it has (${asked.sessions}) go on.`,
                verb: 'Drain version',
                hurts: true,
                fields: [],
                usual: {},
                carryOut: (client) => client.post(`${VERSION}/drain`, versionOf(asked), {}),
                done: () => `Version ${asked.version} of ${asked.application} gets no new sessions.`
            };
        case 'resume-version':
            return {
                ...NOTHING_LOST,
                title: `Resume version ${asked.version} of ${asked.application}`,
                verb: 'Resume version',
                carryOut: (client) => client.post(`${VERSION}/resume`, versionOf(asked), {}),
                done: () => `Version ${asked.version} of ${asked.application} gets new sessions again.`
            };
        case 'pause':
            return {
                title: `Pause ${asked.application}`,
                consequence: 'Nobody new is let in until it is resumed. Sessions, and those who wait, stay.',
                verb: 'Pause application',
                hurts: true,
                fields: [],
                usual: {},
                carryOut: (client) =>
                    client.post('/api/v1/applications/{application}/pause', { application: asked.application }, {}),
                done: () => `${asked.application} is paused.`
            };
        case 'resume':
            return {
                ...NOTHING_LOST,
                title: `Resume ${asked.application}`,
                verb: 'Resume application',
                carryOut: (client) =>
                    client.post('/api/v1/applications/{application}/resume', { application: asked.application }, {}),
                done: () => `${asked.application} lets players in again.`
            };
        case 'buffer':
            return {
                title: `Buffer of ${asked.application} ${asked.version}`,
                consequence: `So many instances are kept ready, in the place of what the stack says, ${UNTIL}. Each costs as much as one in use.`,
                verb: 'Change buffer',
                hurts: false,
                fields: ['instances'],
                usual: { instances: asked.target },
                carryOut: (client, { instances }) => client.post(`${VERSION}/buffer`, versionOf(asked), { instances }),
                done: ({ instances }) => `${asked.application} ${asked.version} keeps ${instances} ready.`
            };
        case 'reset-buffer':
            return {
                ...NOTHING_LOST,
                title: `Give back the buffer of ${asked.application} ${asked.version}`,
                verb: 'Give back',
                carryOut: (client) => client.post(`${VERSION}/buffer/reset`, versionOf(asked), {}),
                done: () => `${asked.application} ${asked.version} keeps ready what the stack says.`
            };
    }
}

const VERSION = '/api/v1/applications/{application}/versions/{version}';

/** What draining does, by whom the instance has. */
const DRAINING: Readonly<Record<Holds, { consequence: string; done: (seconds: number) => string }>> = {
    nobody: {
        consequence:
            'It gets no session any more and goes; its fleet starts another. A session that begins before that is warned.',
        done: () => 'gets no session any more, and goes'
    },
    session: {
        consequence: 'It gets no other session, and the one that it has ends after a warning. Its fleet starts another.',
        done: (seconds) => `ends its session ${within(seconds)}`
    },
    players: {
        consequence: 'It gets no other player. Those that it has play on; when the last has left it goes.',
        done: () => 'gets no other player, and goes when the last has left'
    }
};

export function askedToDrain({ name, session, players }: Instance): Asked {
    const holds = session !== null ? 'session' : (players ?? 0) > 0 ? 'players' : 'nobody';
    return { kind: 'drain-instance', instance: name, holds };
}

/** Of what is done at once: nobody loses anything. */
const NOTHING_LOST = { consequence: '', hurts: false, fields: [], usual: {} } as const;

function versionOf(asked: { application: string; version: string }): { application: string; version: string } {
    return { application: asked.application, version: asked.version };
}

function within(seconds: number): string {
    return seconds === 0 ? 'now' : `in ${seconds} s`;
}
