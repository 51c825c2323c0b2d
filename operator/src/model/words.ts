/** How times, states, GPUs and deeds read. Pure. */
import type { InstanceState, SessionState } from '../api/types';
import type { Verdict } from './quality';

/** How long something lasts. */
export function lasting(seconds: number): string {
    const whole = Math.max(0, Math.floor(seconds));
    const [days, hours, minutes] = [Math.floor(whole / 86_400), Math.floor(whole / 3600), Math.floor(whole / 60)];
    if (whole < 60) {
        return `${whole} s`;
    }
    if (hours === 0) {
        return `${minutes} min`;
    }
    return days === 0 ? `${hours} h ${minutes % 60} min` : `${days} d ${hours % 24} h`;
}

const DATE = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

/** A moment, in the reader's time zone. */
export function moment(milliseconds: number): string {
    return DATE.format(milliseconds);
}

export function counted(number: number, one: string, many: string): string {
    return `${number.toLocaleString('en')} ${number === 1 ? one : many}`;
}

export const SESSION_STATES: Readonly<Record<SessionState, string>> = {
    queued: 'Waiting',
    starting: 'Starting',
    running: 'Playing',
    away: 'Away',
    ending: 'Ending'
};

export const INSTANCE_STATES: Readonly<Record<InstanceState, string>> = {
    starting: 'Starting',
    idle: 'Ready',
    session: 'In a session',
    draining: 'Draining',
    ending: 'Ending'
};

export const VERDICTS: Readonly<Record<Verdict, string>> = { good: 'Good', fair: 'Fair', poor: 'Poor' };

/** A GPU by its node's shape, such as VM.GPU.A10.1, and by what of it an instance holds; null where neither tells. */
export function gpuWords(shape: string, held: string | null): string | null {
    const model = /\.GPU\.?([A-Za-z0-9]+)/.exec(shape)?.[1];
    const part = held === null ? undefined : /\/mig-(.+)$/.exec(held)?.[1];
    if (part !== undefined) {
        return model === undefined ? part : `${model} ${part}`;
    }
    return model ?? (held === null ? null : 'GPU');
}

const DEEDS: Readonly<Record<string, string>> = {
    endSession: 'End a session',
    drainInstance: 'Drain an instance',
    pauseApplication: 'Pause an application',
    resumeApplication: 'Resume an application',
    drainVersion: 'Drain a version',
    resumeVersion: 'Resume a version',
    setBuffer: 'Change a buffer',
    resetBuffer: 'Give a buffer back to the stack',
    createTicket: 'Make a link'
};

/** What an operation of the audit log is called; one that this page does not know by its own name. */
export function deed(action: string): string {
    return DEEDS[action] ?? action;
}

/** What was said with a deed. */
export function details(said: Readonly<Record<string, unknown>>): string {
    return Object.entries(said)
        .filter(([, value]) => value !== '' && value !== null)
        .map(
            ([name, value]) =>
                `${name.replaceAll('_', ' ')} ${typeof value === 'string' ? value : JSON.stringify(value)}`
        )
        .join(', ');
}

export function percent(share: number): string {
    return `${(share * 100).toLocaleString('en', { maximumFractionDigits: 1 })} %`;
}

export function megabits(bits: number): string {
    return `${(bits / 1e6).toLocaleString('en', { maximumFractionDigits: 1 })} Mbit/s`;
}

export function milliseconds(seconds: number): string {
    return `${Math.round(seconds * 1000)} ms`;
}
