/** What kind of device and window the page is in: full screen, touch, orientation, gamepads. */
import type { View } from './view';

interface OlderDocument extends Document {
    readonly webkitFullscreenElement?: Element | null;
    webkitExitFullscreen?(): void;
}

interface OlderElement extends HTMLElement {
    webkitRequestFullscreen?(): void;
}

interface IosVideo extends HTMLVideoElement {
    webkitEnterFullscreen?(): void;
}

/** A device whose keyboard comes up on its screen. */
export function hasTouch(): boolean {
    return window.matchMedia('(any-pointer: coarse)').matches || navigator.maxTouchPoints > 0;
}

/** Whether a picture wider than high is shown on a screen higher than wide, on a device that can be turned. */
export function wantsTurning(video: HTMLVideoElement): boolean {
    const handheld = window.matchMedia('(pointer: coarse) and (orientation: portrait)').matches;
    return handheld && video.videoWidth > video.videoHeight * 1.2;
}

/**
 * How this device has full screen. An iPhone has it only for a bare video, which takes no input: enough for who
 * watches; for who plays there is the home screen, from which a page opens without the browser around it.
 */
export function fullscreenState(video: HTMLVideoElement, owner: boolean): View['fullscreen'] {
    const page = document as OlderDocument;
    if ((page.fullscreenElement ?? page.webkitFullscreenElement) != null) {
        return 'on';
    }
    const root = document.documentElement as OlderElement;
    if (document.fullscreenEnabled || root.webkitRequestFullscreen !== undefined) {
        return 'off';
    }
    if (!owner && (video as IosVideo).webkitEnterFullscreen !== undefined) {
        return 'off';
    }
    const standalone = window.matchMedia('(display-mode: standalone), (display-mode: fullscreen)').matches;
    return standalone || window.parent !== window ? 'none' : 'home-screen';
}

/** Enter or leave full screen; must be called from a click or a key. */
export function toggleFullscreen(video: HTMLVideoElement): void {
    const page = document as OlderDocument;
    const root = document.documentElement as OlderElement;
    if (page.fullscreenElement != null) {
        void page.exitFullscreen();
    } else if (page.webkitFullscreenElement != null) {
        page.webkitExitFullscreen?.();
    } else if (document.fullscreenEnabled) {
        void root.requestFullscreen({ navigationUI: 'hide' }).then(turnToPicture(video), () => undefined);
    } else if (root.webkitRequestFullscreen !== undefined) {
        root.webkitRequestFullscreen();
    } else {
        (video as IosVideo).webkitEnterFullscreen?.();
    }
}

/** Phones turn a full-screen picture by themselves where they let a page ask for it. */
function turnToPicture(video: HTMLVideoElement): () => void {
    return () => {
        const orientation = screen.orientation as { lock?(to: string): Promise<void> };
        const wanted = video.videoWidth >= video.videoHeight ? 'landscape' : 'portrait';
        if (hasTouch()) {
            orientation.lock?.(wanted).catch(() => undefined);
        }
    };
}

/** The gamepads that there are; none where a browser has none for this page, as in a frame whose parent forbids them. */
export function gamepads(): readonly Gamepad[] {
    try {
        return navigator.getGamepads().filter((each) => each !== null);
    } catch {
        return [];
    }
}

/** Hear of everything that changes any of this. */
export function watchSurroundings(changed: () => void, gamepad: (name: string | null) => void): void {
    for (const kind of ['fullscreenchange', 'webkitfullscreenchange']) {
        document.addEventListener(kind, changed);
    }
    window.addEventListener('resize', changed);
    window.addEventListener('gamepadconnected', ({ gamepad: { id } }) => {
        gamepad(id.replace(/\s*\(.*\)$/, ''));
    });
    window.addEventListener('gamepaddisconnected', () => {
        gamepad(gamepads()[0]?.id.replace(/\s*\(.*\)$/, '') ?? null);
    });
}
