/** What the page tells the service while it plays, beside Epic's protocol: statistics, and that somebody is there. */
import { NO_ACTIVITY, noteActivity } from './stream/activity';
import { statisticsOf, type Figures } from './stream/statistics';
import type { FromPlayer, Statistics } from './session/messages';
import { gamepads } from './surroundings';

/** How often the service gets statistics, in seconds. */
export const STATISTICS_SECONDS = 5;

const INPUT = ['pointerdown', 'pointermove', 'wheel', 'keydown', 'touchstart', 'touchmove'] as const;

/** What is reported on; each question is asked anew. */
export interface Reported {
    playing(): boolean;
    measure(): Promise<Figures | null>;
    say(message: FromPlayer): void;
    measured(figures: Figures, statistics: Statistics): void;
}

export class Reporting {
    private activity = NO_ACTIVITY;
    private gamepads: string | null = null;
    private firstFrameSeconds: number | null = null;
    private seconds = 0;

    constructor(private readonly reported: Reported) {
        for (const kind of INPUT) {
            document.addEventListener(
                kind,
                () => {
                    this.note(true);
                },
                { capture: true, passive: true }
            );
        }
        setInterval(() => {
            void this.measure();
            this.note(this.gamepadsMoved());
        }, 1000);
    }

    /** The first picture has come so long after the click; it is told once. */
    firstFrame(seconds: number): void {
        this.firstFrameSeconds = seconds;
    }

    /** Say at once that somebody is there. */
    here(): void {
        this.activity = NO_ACTIVITY;
        this.note(true);
    }

    private note(input: boolean): void {
        if (!this.reported.playing()) {
            return;
        }
        const [activity, tell] = noteActivity(this.activity, input, performance.now());
        this.activity = activity;
        if (tell) {
            this.reported.say({ type: 'sessionActivity' });
        }
    }

    /** Gamepads raise no events; each has the time of its last change. */
    private gamepadsMoved(): boolean {
        const times = gamepads()
            .map(({ timestamp }) => String(timestamp))
            .join();
        const moved = this.gamepads !== null && times !== this.gamepads;
        this.gamepads = times;
        return moved;
    }

    private async measure(): Promise<void> {
        if (!this.reported.playing()) {
            this.seconds = 0;
            return;
        }
        const figures = await this.reported.measure();
        if (figures === null) {
            return;
        }
        const statistics = statisticsOf(figures, this.firstFrameSeconds);
        // The first picture is told at once: until then the service takes the session for one that has not begun.
        if (this.firstFrameSeconds !== null || ++this.seconds % STATISTICS_SECONDS === 0) {
            this.reported.say({ type: 'sessionStats', ...statistics });
            this.firstFrameSeconds = null;
        }
        this.reported.measured(figures, statistics);
    }
}
