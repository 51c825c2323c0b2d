/** The page's pictograms, drawn with lines of one width on a grid of 24. */

const PATHS = {
    soundOn: 'M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM15.5 9a4 4 0 0 1 0 6M18 6.5a7.5 7.5 0 0 1 0 11',
    soundOff: 'M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM16 9.5l5 5M21 9.5l-5 5',
    fullscreen: 'M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5',
    exitFullscreen: 'M9 4v5H4M20 9h-5V4M15 20v-5h5M4 15h5v5',
    keyboard: 'M3 6.5h18v11H3zM6.5 10h0M10 10h0M14 10h0M17.5 10h0M7.5 14h9',
    statistics: 'M4 20V4M4 20h16M8.5 16v-4M12.5 16V8M16.5 16v-6',
    people: 'M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 19.5a6.5 6.5 0 0 1 13 0M16 4.8a3.5 3.5 0 0 1 0 6.4M18 14.2a6.5 6.5 0 0 1 3.5 5.3',
    settings: 'M4 7h9M17 7h3M4 12h3M11 12h9M4 17h7M15 17h5M15 5v4M9 10v4M13 15v4',
    leave: 'M14 4H5v16h9M10 12h11M17.5 8.5L21 12l-3.5 3.5',
    close: 'M6 6l12 12M18 6L6 18',
    gamepad:
        'M7 7h10a4.5 4.5 0 0 1 4.5 4.5v2A3.5 3.5 0 0 1 15.6 16L14 14.5h-4L8.4 16A3.5 3.5 0 0 1 2.5 13.5v-2A4.5 4.5 0 0 1 7 7zM8 9.5v3M6.5 11h3M15.5 10h0M17.5 12h0',
    eye: 'M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z',
    play: 'M8 5.5v13l11-6.5z',
    turn: 'M8 3h8v18H8zM19 8a8 8 0 0 1 2 4.5M21 12.5l1.5-2M21 12.5l-2-1.5',
    lock: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3M12 14.5v2',
    alert: 'M12 4l9 16H3zM12 10v4.5M12 17.2h0',
    done: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8 12.3l2.8 2.7L16 9.5',
    offline: 'M3 9.5a13 13 0 0 1 18 0M6.5 13a8 8 0 0 1 11 0M10 16.5a3 3 0 0 1 4 0M4 4l16 16',
    wait: 'M12 4a8 8 0 1 0 8 8M12 8v4l3 2'
} as const;

export type IconName = keyof typeof PATHS;

/** A pictogram; the words stand beside it or in the label of its button. */
export function Icon({ name }: { readonly name: IconName }) {
    return (
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <path d={PATHS[name]} />
        </svg>
    );
}
