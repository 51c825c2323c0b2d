/** Text of an on-screen keyboard as key presses: such keyboards replace words, so only the text itself is true. Pure. */

export interface Typed {
    /** Characters to take back first. */
    readonly backspaces: number;
    readonly text: string;
}

/** What turns one text into another, at its end. */
export function typed(before: string, after: string): Typed {
    // By characters, not by halves of one: a backspace takes an emoji back as a whole.
    const [from, to] = [Array.from(before), Array.from(after)];
    let same = 0;
    while (same < from.length && same < to.length && from[same] === to[same]) {
        same++;
    }
    return { backspaces: from.length - same, text: to.slice(same).join('') };
}
