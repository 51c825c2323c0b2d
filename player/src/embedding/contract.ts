/** What a page and the one that has it in a frame say to each other, by postMessage. docs/embedding.md explains it. */
import type { Reason, Role, Statistics } from '../session/messages';

export const VERSION = 1;

/** How far the session in the frame has come. */
export type EmbeddedState =
    | { readonly state: 'idle' | 'connecting' | 'starting' | 'blocked' }
    | { readonly state: 'queued'; readonly position: number; readonly estimateSeconds: number | null }
    | { readonly state: 'playing'; readonly role: Role | null }
    | {
          readonly state: 'over';
          /** Null where the service gave none. */
          readonly reason: Reason | 'lost' | 'unreachable' | 'media' | 'left' | null;
          readonly message: string;
          /** Somebody has to log in first: give a token. */
          readonly login: boolean;
      };

export type FromPage =
    | { readonly type: 'pixel:ready'; readonly version: number }
    | ({ readonly type: 'pixel:state' } & EmbeddedState)
    /** The application has said something. */
    | { readonly type: 'pixel:message'; readonly text: string }
    | { readonly type: 'pixel:statistics'; readonly statistics: Statistics }
    /** Another region has room; the address holds a ticket that is good for a minute. */
    | { readonly type: 'pixel:redirect'; readonly url: string };

export type ToPage =
    /** First of all, and again after each load of the frame. */
    | { readonly type: 'pixel:hello'; readonly version: number; readonly token?: string; readonly language?: string }
    /** To the application; what it gets is this value as JSON. */
    | { readonly type: 'pixel:send'; readonly value: unknown }
    | { readonly type: 'pixel:mute'; readonly muted: boolean }
    /** Begin, or begin again, with another token if there is one. */
    | { readonly type: 'pixel:start'; readonly token?: string }
    | { readonly type: 'pixel:end' }
    /** Give the keys to the application. */
    | { readonly type: 'pixel:focus' };

/** Whether a message's data is of this contract. */
export function isOfContract(data: unknown): data is { readonly type: string } {
    return (
        typeof data === 'object' &&
        data !== null &&
        'type' in data &&
        typeof data.type === 'string' &&
        data.type.startsWith('pixel:')
    );
}
