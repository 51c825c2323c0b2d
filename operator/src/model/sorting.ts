/** The order of a table's rows. Pure. */

export type Value = string | number | null;

export interface Order {
    /** A column's key. */
    readonly by: string;
    readonly descending: boolean;
}

/** Rows in order; what is not known comes last either way, and equals keep their places. */
export function sorted<Row>(rows: readonly Row[], value: (row: Row) => Value, descending: boolean): Row[] {
    const decorated = rows.map((row, at) => ({ row, at, value: value(row) }));
    decorated.sort((one, other) => {
        if (one.value === null || other.value === null) {
            return Number(one.value === null) - Number(other.value === null) || one.at - other.at;
        }
        return (descending ? -1 : 1) * compared(one.value, other.value) || one.at - other.at;
    });
    return decorated.map((each) => each.row);
}

const WORDS = new Intl.Collator('en', { numeric: true });

function compared(one: string | number, other: string | number): number {
    return typeof one === 'number' && typeof other === 'number'
        ? one - other
        : WORDS.compare(String(one), String(other));
}

/** What a moment is sorted by where it is shown as the time since: the shortest first. */
export function age(at: number | null): number | null {
    return at === null ? null : -at;
}

/** The order after somebody has chosen a column: the same one again turns it round. */
export function chosen(order: Order, by: string): Order {
    return { by, descending: order.by === by ? !order.descending : false };
}

export interface Shown<Row> {
    readonly rows: readonly Row[];
    /** From 1; 0 of nothing. */
    readonly first: number;
    readonly last: number;
    readonly page: number;
    readonly pages: number;
}

/** One page of rows; a page that is no more is the last one. */
export function paged<Row>(rows: readonly Row[], page: number, size: number): Shown<Row> {
    const pages = Math.max(1, Math.ceil(rows.length / size));
    const its = Math.min(Math.max(0, page), pages - 1);
    const shown = rows.slice(its * size, (its + 1) * size);
    const first = shown.length === 0 ? 0 : its * size + 1;
    return { rows: shown, first, last: its * size + shown.length, page: its, pages };
}
