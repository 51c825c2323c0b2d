/** Keeps what is looked at up to date: asks again and again, less often while nobody answers, not while nobody looks. */

/** Where one thing that is watched tells of itself. */
export interface Round {
    /** Nobody sees the page. */
    readonly hidden: boolean;
    answered(): void;
    /** Gives whether it is worth asking again. */
    failed(error: unknown): boolean;
}

export type Listener<T> = (value: T) => void;

const LONGEST_SECONDS = 30;

/** Seconds until the next question. */
export function pause(usual: number, failures: number): number {
    return failures === 0 ? usual : Math.min(LONGEST_SECONDS, Math.max(usual, 1) * 2 ** Math.min(failures, 10));
}

/** One thing of the service, asked for again and again while somebody listens. */
export class Watched<T> {
    value: T | null = null;
    /** Why there was no answer; null once there is one. */
    trouble: string | null = null;
    private readonly listeners = new Set<Listener<T>>();
    private failures = 0;
    private timer: ReturnType<typeof setTimeout> | null = null;
    private asking = false;
    /** How often it was asked to be fresh. */
    private wanted = 0;

    /** `seconds` is the time between an answer and the next question, by what was answered. */
    constructor(
        private readonly round: Round,
        private readonly load: () => Promise<T>,
        private readonly seconds: (value: T | null) => number
    ) {}

    /** Be told of it, at once if something is known; gives what ends that. */
    watch(listener: Listener<T>): () => void {
        this.listeners.add(listener);
        if (this.value !== null) {
            listener(this.value);
        }
        if (this.listeners.size === 1) {
            this.askIn(0);
        }
        return () => {
            this.listeners.delete(listener);
            if (this.listeners.size === 0) {
                this.stop();
            }
        };
    }

    get watched(): boolean {
        return this.listeners.size > 0;
    }

    /** Ask now. */
    refresh(): void {
        this.wanted += 1;
        if (!this.asking && this.watched) {
            this.askIn(0);
        }
    }

    stop(): void {
        if (this.timer !== null) {
            clearTimeout(this.timer);
            this.timer = null;
        }
    }

    private askIn(seconds: number): void {
        this.stop();
        this.timer = setTimeout(() => {
            this.timer = null;
            void this.ask();
        }, seconds * 1000);
    }

    private async ask(): Promise<void> {
        if (this.round.hidden || this.asking) {
            // When the page is seen again it is asked for.
            return;
        }
        this.asking = true;
        const wanted = this.wanted;
        let worth = true;
        try {
            const value = await this.load();
            this.failures = 0;
            this.trouble = null;
            if (value !== this.value) {
                this.value = value;
                for (const listener of this.listeners) {
                    listener(value);
                }
            }
            this.round.answered();
        } catch (error) {
            this.failures += 1;
            this.trouble = error instanceof Error ? error.message : String(error);
            worth = this.round.failed(error);
        } finally {
            this.asking = false;
        }
        if (worth && this.watched) {
            // Something was done while it was asked: the answer may be of before.
            this.askIn(this.wanted !== wanted ? 0 : pause(this.seconds(this.value), this.failures));
        }
    }
}
