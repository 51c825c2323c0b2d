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
    gamepad: 'M7 7h10a4.5 4.5 0 0 1 4.5 4.5v2A3.5 3.5 0 0 1 15.6 16L14 14.5h-4L8.400 16A3.500 3.500 0 0 1 2.500 13.500v-2A4.500 4.500 0 0 1 7 7zM8 9.500v3M6.500 11h3M15.500 10h0M17.500 12h0',
    eye: 'M2.5 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z',
    play: 'M8 5.500v13l11-6.500z',
    turn: 'M8 3h8v18H8zM19 8a8 8 0 0 1 2 4.500M21 12.500l1.500-2M21 12.500l-2-1.500',
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
