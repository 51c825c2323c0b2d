/** A stack's three colours, as custom properties of the page; every other colour is mixed from them in the style sheet. */
import type { Colours, PageConfig } from './page-config';

type Channels = readonly [number, number, number];

/** The custom properties for a stack's colours; only those that differ from the page's own. */
export function properties(colours: Colours): Record<string, string> {
    const { accent, ground, ink } = colours;
    return {
        ...(accent === null ? {} : { '--accent': accent, '--on-accent': readableOn(accent) }),
        ...(ground === null ? {} : { '--ground': ground, '--ink': readableOn(ground) }),
        ...(ink === null ? {} : { '--ink': ink })
    };
}

/** Black or white, whichever reads better on a colour: the better one has at least 4.5 to 1. */
export function readableOn(colour: string): string {
    return contrast(colour, '#ffffff') >= contrast(colour, '#000000') ? '#ffffff' : '#000000';
}

/** The contrast of two colours by WCAG 2, from 1 to 21. */
export function contrast(one: string, other: string): number {
    const [lighter, darker] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
    return (lighter + 0.05) / (darker + 0.05);
}

function luminance(colour: string): number {
    const [red, green, blue] = channels(colour).map((value) =>
        value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
    ) as unknown as Channels;
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function channels(colour: string): Channels {
    const at = (start: number): number => Number.parseInt(colour.slice(start, start + 2), 16) / 255;
    return [at(1), at(3), at(5)];
}

/** Give the page a stack's colours and name. */
export function apply(config: PageConfig): void {
    const root = document.documentElement;
    for (const [name, value] of Object.entries(properties(config.colours))) {
        root.style.setProperty(name, value);
    }
    const { ground } = config.colours;
    if (ground !== null) {
        root.style.colorScheme = readableOn(ground) === '#ffffff' ? 'dark' : 'light';
        document.querySelector('meta[name="theme-color"]')?.setAttribute('content', ground);
    }
    document.title = config.name;
}
