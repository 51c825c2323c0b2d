/** Everything that the interface shows, and everything that it can ask for. */
import type { PageConfig } from './page-config';
import type { Preferences } from './preferences';
import type { Session } from './state';
import type { Figures } from './stream/statistics';
import type { Typed } from './stream/typing';
import type { Texts } from './texts';

export interface View {
    readonly session: Session;
    /** A spectator: sees, and has no say. */
    readonly watching: boolean;
    /** Milliseconds, as in the session's times. */
    readonly now: number;
    readonly texts: Texts;
    readonly config: PageConfig;
    readonly preferences: Preferences;
    readonly figures: Figures | null;
    readonly firstFrameSeconds: number | null;
    readonly sound: { readonly on: boolean; readonly waits: boolean; readonly available: boolean };
    readonly fullscreen: 'on' | 'off' | 'home-screen' | 'none';
    /** A device whose keyboard is on its screen. */
    readonly touch: boolean;
    /** The picture would be larger with the device turned. */
    readonly turnDevice: boolean;
    readonly gamepad: string | null;
    /** The address for somebody who is invited. */
    readonly invitation: string | null;
    readonly loggedIn: boolean;
    /** There is an issuer to go to; in a frame none would come up. */
    readonly canLogIn: boolean;
    readonly loginProblem: string | null;
    readonly secure: boolean;
    /** The keyboard was taken from the stage: counts how often. */
    readonly freed: number;
}

export type Command =
    | { readonly kind: 'start' }
    | { readonly kind: 'play' }
    | { readonly kind: 'leave' }
    | { readonly kind: 'login' }
    | { readonly kind: 'logout' }
    | { readonly kind: 'stay' }
    | { readonly kind: 'prefer'; readonly change: Partial<Preferences> }
    | { readonly kind: 'sound' }
    | { readonly kind: 'fullscreen' }
    | { readonly kind: 'invite' }
    | { readonly kind: 'close-invitation' }
    | { readonly kind: 'ask' }
    | { readonly kind: 'hand-over'; readonly player: string }
    | { readonly kind: 'refuse' }
    | { readonly kind: 'send-text'; readonly text: string }
    | { readonly kind: 'close-text' }
    | { readonly kind: 'type'; readonly typed: Typed }
    | { readonly kind: 'enter' }
    | { readonly kind: 'focus-stage' };

export type Do = (command: Command) => void;
