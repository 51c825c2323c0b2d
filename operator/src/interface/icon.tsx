/** The page's pictograms, drawn with lines of one width on a grid of 24. */

const PATHS = {
    overview: 'M4 13h6V4H4zM14 20h6v-9h-6zM14 7h6V4h-6zM4 20h6v-3H4z',
    sessions: 'M3 5h18v12H3zM9 21h6M12 17v4M10.5 8.5v5l4-2.5z',
    queue: 'M12 4a8 8 0 1 0 8 8M12 8v4l3 2',
    instances: 'M12 3l8 4.5v9L12 21l-8-4.5v-9zM12 12l8-4.5M12 12v9M12 12L4 7.5',
    nodes: 'M4 4h16v6H4zM4 14h16v6H4zM7.5 7h0M7.5 17h0',
    links: 'M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-5.7-5.7L12 7M14 10a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 5.7 5.7L12 17',
    audit: 'M6 3h9l4 4v14H6zM9 11h6M9 15h6M9 7h3',
    close: 'M6 6l12 12M18 6L6 18',
    copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
    done: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8 12.3l2.8 2.7L16 9.5',
    alert: 'M12 4l9 16H3zM12 10v4.5M12 17.2h0',
    info: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5M12 8h0',
    leave: 'M14 4H5v16h9M10 12h11M17.5 8.5L21 12l-3.5 3.5',
    eye: 'M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z',
    person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5a7.5 7.5 0 0 1 15 0',
    search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l5 5'
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
