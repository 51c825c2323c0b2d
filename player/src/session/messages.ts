/** The messages beyond Epic's protocol; docs/session-protocol.md says what each is for. */

export const SUBPROTOCOL = 'pixel-streaming.v1+session';

export type Role = 'owner' | 'spectator';

export const REASONS = [
    'idle',
    'time_limit',
    'maintenance',
    'terminated',
    'left',
    'instance_failed',
    'taken_over',
    'login_required',
    'login_refused',
    'forbidden',
    'unknown_application',
    'paused',
    'full',
    'queue_full',
    'too_many',
    'rate_limited',
    'session_over',
    'no_instance'
] as const;

export type Reason = (typeof REASONS)[number];

/** What a session allows, in seconds; null is no limit. */
export interface Limits {
    readonly role: Role;
    readonly graceSeconds: number;
    readonly maxSeconds: number | null;
    readonly idleSeconds: number | null;
}

export type SessionState =
    | { readonly state: 'queued'; readonly position: number; readonly estimateSeconds: number | null }
    | { readonly state: 'starting' }
    | { readonly state: 'ready' | 'resumed'; readonly limits: Limits }
    | { readonly state: 'ending'; readonly reason: Reason | null; readonly seconds: number }
    | { readonly state: 'ended'; readonly reason: Reason | null; readonly message: string }
    | { readonly state: 'failed'; readonly reason: Reason | null; readonly message: string; readonly retry: boolean }
    | { readonly state: 'redirect'; readonly url: string; readonly ticket: string };

export interface Participant {
    readonly player: string;
    readonly role: Role;
    readonly connected: boolean;
}

export type FromServer =
    | { readonly type: 'sessionTicket'; readonly ticket: string; readonly session: string }
    | { readonly type: 'sessionState'; readonly state: SessionState }
    | { readonly type: 'sessionPlayers'; readonly you: string; readonly players: readonly Participant[] }
    | { readonly type: 'sessionControlRequested'; readonly player: string }
    | { readonly type: 'sessionInvitation'; readonly ticket: string; readonly role: Role; readonly seconds: number };

/** WebRTC statistics as the service takes them; everything may be left out. */
export interface Statistics {
    framesPerSecond?: number;
    bitrate?: number;
    roundTripSeconds?: number;
    jitterSeconds?: number;
    packetsLost?: number;
    packetsReceived?: number;
    freezes?: number;
    freezeSeconds?: number;
    firstFrameSeconds?: number;
    candidateType?: 'host' | 'srflx' | 'prflx' | 'relay';
    protocol?: 'udp' | 'tcp' | 'tls';
    turn?: string;
}

export type FromPlayer =
    | { readonly type: 'sessionResume'; readonly ticket: string; readonly fresh: boolean }
    | { readonly type: 'sessionActivity' }
    | ({ readonly type: 'sessionStats' } & Statistics)
    | { readonly type: 'sessionEnd' }
    | { readonly type: 'sessionInvite'; readonly role: Role }
    | { readonly type: 'sessionRequestControl' }
    | { readonly type: 'sessionHandOver'; readonly player: string };

type Fields = Readonly<Record<string, unknown>>;

/** The fields of a frame that is a JSON object, null for anything else. */
export function fieldsOf(frame: string): Fields | null {
    try {
        const value: unknown = JSON.parse(frame);
        return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;
    } catch {
        return null;
    }
}

/** Whether a message is of this protocol and not of Epic's. */
export function isOfSession(fields: Fields): boolean {
    return typeof fields['type'] === 'string' && fields['type'].startsWith('session');
}

/** A message of the service; null for one that is not known or lacks what it needs. */
export function read(fields: Fields): FromServer | null {
    switch (fields['type']) {
        case 'sessionTicket':
            return { type: 'sessionTicket', ticket: text(fields['ticket']), session: text(fields['session']) };
        case 'sessionState': {
            const state = readState(fields);
            return state && { type: 'sessionState', state };
        }
        case 'sessionPlayers':
            return { type: 'sessionPlayers', you: text(fields['you']), players: readPlayers(fields['players']) };
        case 'sessionControlRequested':
            return { type: 'sessionControlRequested', player: text(fields['player']) };
        case 'sessionInvitation':
            return {
                type: 'sessionInvitation',
                ticket: text(fields['ticket']),
                role: role(fields['role']),
                seconds: number(fields['seconds']) ?? 0
            };
        default:
            return null;
    }
}

function readState(fields: Fields): SessionState | null {
    const reason = REASONS.find((known) => known === fields['reason']) ?? null;
    const message = text(fields['message']);
    const state = fields['state'];
    switch (state) {
        case 'queued':
            return {
                state,
                position: number(fields['position']) ?? 1,
                estimateSeconds: number(fields['estimateSeconds'])
            };
        case 'starting':
            return { state };
        case 'ready':
        case 'resumed':
            return { state, limits: readLimits(fields) };
        case 'ending':
            return { state, reason, seconds: number(fields['seconds']) ?? 0 };
        case 'ended':
            return { state, reason, message };
        case 'failed':
            return { state, reason, message, retry: fields['retry'] === true };
        case 'redirect':
            return /^https?:\/\//.test(text(fields['url'])) && URL.canParse(text(fields['url']))
                ? { state, url: text(fields['url']), ticket: text(fields['ticket']) }
                : null;
        default:
            return null;
    }
}

function readLimits(fields: Fields): Limits {
    return {
        role: role(fields['role']),
        graceSeconds: number(fields['graceSeconds']) ?? 0,
        maxSeconds: number(fields['maxSeconds']),
        idleSeconds: number(fields['idleSeconds'])
    };
}

function readPlayers(value: unknown): Participant[] {
    const players: readonly unknown[] = Array.isArray(value) ? value : [];
    return players
        .filter((each): each is Fields => typeof each === 'object' && each !== null)
        .map((each) => ({
            player: text(each['player']),
            role: role(each['role']),
            connected: each['connected'] === true
        }));
}

function role(value: unknown): Role {
    return value === 'spectator' ? 'spectator' : 'owner';
}

function text(value: unknown): string {
    return typeof value === 'string' ? value : '';
}

function number(value: unknown): number | null {
    return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
