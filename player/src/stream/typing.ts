/** Text of an on-screen keyboard as key presses: such keyboards replace words, so only the text itself is true. Pure. */

export interface Typed {
    /** Characters to take back first. */
    readonly backspaces: number;
    readonly text: string;
}

/** What turns one text into another, at its end. */
export function typed(before: string, after: string): Typed {
    let same = 0;
    while (same < before.length && same < after.length && before[same] === after[same]) {
        same++;
    }
    return { backspaces: before.length - same, text: after.slice(same) };
}
