/** What a person has chosen on this page, remembered in this browser. Pure but for reading and writing the storage. */
import type { Storage } from './session/kept';

export interface Preferences {
    /** Empty for the browser's. */
    readonly language: string;
    readonly sound: boolean;
    /** From 0 to 1. */
    readonly volume: number;
    readonly microphone: boolean;
    readonly matchResolution: boolean;
    /** With `matchResolution`: the screen's pixels and not the page's. */
    readonly sharp: boolean;
    /** In Mbit/s; 0 leaves it to the application. */
    readonly megabits: number;
    /** 0 leaves it to the application. */
    readonly frameRate: number;
    readonly mouse: 'automatic' | 'hovering' | 'locked';
    readonly touch: 'fingers' | 'mouse';
    readonly keyboard: boolean;
    /** Esc frees the keyboard; this sends it to the application as well. */
    readonly escape: boolean;
    readonly gamepad: boolean;
    readonly statistics: boolean;
}

export const DEFAULTS: Preferences = {
    language: '',
    sound: true,
    volume: 1,
    microphone: false,
    matchResolution: false,
    sharp: false,
    megabits: 0,
    frameRate: 0,
    mouse: 'automatic',
    touch: 'fingers',
    keyboard: true,
    escape: true,
    gamepad: true,
    statistics: false
};

export const MEGABITS = [0, 2, 5, 10, 20, 40] as const;
export const FRAME_RATES = [0, 24, 30, 60, 120] as const;

const KEY = 'pixel-preferences';
const CHOICES: Readonly<Partial<Record<keyof Preferences, readonly unknown[]>>> = {
    megabits: MEGABITS,
    frameRate: FRAME_RATES,
    mouse: ['automatic', 'hovering', 'locked'],
    touch: ['fingers', 'mouse']
};

/** The remembered preferences; what is not there, or not possible, is as by default. */
export function readPreferences(storage: Storage): Preferences {
    let kept: unknown;
    try {
        kept = JSON.parse(storage.getItem(KEY) ?? '{}');
    } catch {
        kept = {};
    }
    const fields = typeof kept === 'object' && kept !== null ? (kept as Record<string, unknown>) : {};
    const usable = Object.entries(DEFAULTS).map(([name, usual]): [string, unknown] => {
        const value = fields[name];
        const possible = CHOICES[name as keyof Preferences]?.includes(value) ?? typeof value === typeof usual;
        return [name, possible ? value : usual];
    });
    const preferences = Object.fromEntries(usable) as unknown as Preferences;
    return { ...preferences, volume: Math.min(1, Math.max(0, preferences.volume)) };
}

/** Remember them for the next visit; what is only for this one is left out. */
export function writePreferences(storage: Storage, preferences: Preferences): void {
    // A page that listens again by itself would surprise.
    storage.setItem(KEY, JSON.stringify({ ...preferences, microphone: DEFAULTS.microphone }));
}
