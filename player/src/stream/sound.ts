/** The stream's sound: on or off and how loud. Browsers let a page play sound only after a click or a key. */
import { Flags, type PixelStreaming } from './epic';

export class Sound {
    private wanted = true;
    private volume = 1;
    private allowed = (navigator.userActivation as UserActivation | undefined)?.hasBeenActive ?? false;

    constructor(
        private readonly library: PixelStreaming,
        private readonly video: HTMLVideoElement
    ) {
        const gesture = (): void => {
            this.gesture();
        };
        // Until the first one; capturing, since Epic's handlers stop some of them.
        for (const kind of ['pointerdown', 'keydown', 'touchend'] as const) {
            document.addEventListener(kind, gesture, { capture: true, once: true, passive: true });
        }
    }

    /** Whether anything is heard, or would be if the application sent sound. */
    get on(): boolean {
        return this.wanted && this.allowed;
    }

    /** Sound is wanted and the browser has not had its click yet. */
    get waits(): boolean {
        return this.wanted && !this.allowed && this.available;
    }

    /** Whether the application sends sound at all. */
    get available(): boolean {
        return this.sources.some(
            (each) => each.srcObject instanceof MediaStream && each.srcObject.getAudioTracks().length > 0
        );
    }

    /** There was a click or a key. */
    gesture(): void {
        if (!this.allowed) {
            this.allowed = true;
            this.set();
        }
    }

    apply(wanted: boolean, volume: number): void {
        this.wanted = wanted;
        this.volume = volume;
        this.set();
    }

    private get sources(): HTMLMediaElement[] {
        return [this.video, this.library.webRtcController.streamController.audioElement];
    }

    private set(): void {
        // The library mutes by this flag whenever it starts to play.
        this.library.config.setFlagEnabled(Flags.StartVideoMuted, !this.on);
        for (const source of this.sources) {
            source.muted = !this.on;
            source.volume = this.volume;
            if (this.on && source.paused && source.srcObject !== null) {
                void source.play().catch(() => undefined);
            }
        }
    }
}
