/** What every part of the page works with: the service, what is asked for, and what is said of it. */
import { createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import type { Asked } from './actions';
import type { Watched } from './api/live';
import type { Service } from './api/service';

export interface Operating {
    readonly service: Service;
    /** Have something done; what hurts is confirmed first. */
    readonly ask: (asked: Asked) => void;
    readonly tell: (text: string) => void;
    readonly complain: (error: unknown) => void;
}

export const OperatingContext = createContext<Operating | null>(null);

export function useOperating(): Operating {
    const operating = useContext(OperatingContext);
    if (operating === null) {
        throw new Error('there is no service around this');
    }
    return operating;
}

/** What is known of something that is watched; null before the first answer. */
export function useWatched<T>(watched: Watched<T>): T | null {
    const [value, setValue] = useState<T | null>(watched.value);
    // A function would be taken for one that makes the value.
    useEffect(
        () =>
            watched.watch((next) => {
                setValue(() => next);
            }),
        [watched]
    );
    return value;
}

/** The time in milliseconds, anew every so many seconds. */
export function useNow(seconds: number): number {
    const [now, setNow] = useState(Date.now());
    useEffect(() => {
        const timer = setInterval(() => {
            setNow(Date.now());
        }, seconds * 1000);
        return () => {
            clearInterval(timer);
        };
    }, [seconds]);
    return now;
}
