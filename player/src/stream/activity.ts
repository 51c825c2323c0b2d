/** When the service hears that somebody is there: input does not pass it, so the page has to say so. Pure. */

/** Input is told at most so often, in seconds. */
export const ACTIVITY_SECONDS = 5;

export interface Activity {
    /** When it was told last; milliseconds. */
    readonly told: number;
    /** There was input since. */
    readonly pending: boolean;
}

export const NO_ACTIVITY: Activity = { told: Number.NEGATIVE_INFINITY, pending: false };

/** After input, or when time has passed: the activity, and whether to tell it now. */
export function noteActivity(activity: Activity, input: boolean, now: number): readonly [Activity, boolean] {
    const pending = activity.pending || input;
    return pending && now - activity.told >= ACTIVITY_SECONDS * 1000
        ? [{ told: now, pending: false }, true]
        : [{ ...activity, pending }, false];
}
