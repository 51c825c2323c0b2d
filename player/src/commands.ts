/** What a person asks for within a session: what the stream does for it, and what has happened by that. */
import type { Happening } from './state';
import type { Stream } from './stream/stream';
import type { Command } from './view';

/** The part of a stream that takes part in this. */
export type Commanded = Pick<Stream, 'say' | 'sendText' | 'typeText' | 'pressEnter'>;

/** The commands that are carried out here; the others change the page as a whole. */
export type SessionCommand = Extract<
    Command,
    {
        kind:
            | 'invite'
            | 'close-invitation'
            | 'ask'
            | 'hand-over'
            | 'refuse'
            | 'send-text'
            | 'close-text'
            | 'type'
            | 'enter';
    }
>;

/** Carry a command out; gives what the session has to know of it. */
export function carryOut(command: SessionCommand, stream: Commanded): Happening | null {
    switch (command.kind) {
        case 'invite':
            stream.say({ type: 'sessionInvite', role: 'spectator' });
            return null;
        case 'close-invitation':
            return { kind: 'invitation-closed' };
        case 'ask':
            stream.say({ type: 'sessionRequestControl' });
            return { kind: 'asked' };
        case 'hand-over':
            stream.say({ type: 'sessionHandOver', player: command.player });
            return { kind: 'request-answered' };
        case 'refuse':
            return { kind: 'request-answered' };
        case 'send-text':
            stream.sendText(command.text);
            return { kind: 'text-wanted', contents: null };
        case 'close-text':
            return { kind: 'text-wanted', contents: null };
        case 'type':
            stream.typeText(command.typed);
            return null;
        case 'enter':
            stream.pressEnter();
            return null;
    }
}
