/** How new what is shown is. Pure. */
import type { Health } from '../api/service';
import { lasting } from './words';

export interface Freshness {
    readonly state: 'connecting' | 'live' | 'trouble';
    readonly words: string;
}

/** Every view asks for something every two seconds: what is older than this does not come by itself. */
const OLD_SECONDS = 15;

/** `now` is in milliseconds. */
export function freshness({ heard, trouble }: Health, now: number): Freshness {
    const old = heard === null ? 0 : (now - heard) / 1000;
    if (trouble !== null) {
        return { state: 'trouble', words: heard === null ? 'No answer' : `No answer, last heard ${lasting(old)} ago` };
    }
    if (heard === null) {
        return { state: 'connecting', words: 'Connecting' };
    }
    return old > OLD_SECONDS
        ? { state: 'trouble', words: `As it was ${lasting(old)} ago` }
        : { state: 'live', words: 'Live' };
}
