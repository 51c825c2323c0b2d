/** Lists that come by pages, in one piece. */

interface Page<T> {
    readonly items: readonly T[];
    readonly next?: string | null;
}

/** Loads a whole list; it is the same list as the last time while no page of it has changed. */
export function whole<T>(page: (after: string) => Promise<Page<T>>): () => Promise<readonly T[]> {
    let pages: readonly Page<T>[] = [];
    let items: readonly T[] = [];
    return async () => {
        const found: Page<T>[] = [];
        let after = '';
        do {
            const next = await page(after);
            found.push(next);
            after = next.next ?? '';
        } while (after !== '');
        if (!same(found, pages)) {
            pages = found;
            items = found.flatMap((each) => each.items);
        }
        return items;
    };
}

/** Whether two lists hold the same objects. */
export function same(one: readonly unknown[], other: readonly unknown[]): boolean {
    return one.length === other.length && one.every((each, at) => each === other[at]);
}
