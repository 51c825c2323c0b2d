/** A table that is sorted and comes by pages; on a phone each row is a card. */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useState } from 'preact/hooks';
import { chosen, paged, sorted, type Order, type Value } from '../model/sorting';
import { counted } from '../model/words';

export interface Column<Row> {
    readonly key: string;
    /** Its heading; empty for a column of buttons. */
    readonly name: string;
    readonly cell: (row: Row) => ComponentChildren;
    /** What it is sorted by; without it it is not. */
    readonly value?: (row: Row) => Value;
    readonly numeric?: boolean;
}

interface Properties<Row> {
    /** What it is a table of, for whoever hears it. */
    readonly caption: string;
    readonly rows: readonly Row[];
    readonly columns: readonly Column<Row>[];
    readonly keyOf: (row: Row) => string;
    readonly order: Order;
    /** What is said of no rows. */
    readonly empty: string;
    /** One of them, and several. */
    readonly of: readonly [string, string];
    readonly size?: number;
}

const SIZE = 50;

export function Table<Row>(its: Properties<Row>) {
    const [order, setOrder] = useState(its.order);
    const [page, setPage] = useState(0);
    const top = useId();
    const column = its.columns.find((each) => each.key === order.by);
    const rows = column?.value === undefined ? its.rows : sorted(its.rows, column.value, order.descending);
    const shown = paged(rows, page, its.size ?? SIZE);
    useEffect(() => {
        // Rows went meanwhile: later pages are no more.
        setPage(shown.page);
    }, [shown.page]);
    if (its.rows.length === 0) {
        return <p class="empty">{its.empty}</p>;
    }
    const turn = (to: number): void => {
        setPage(to);
        document.getElementById(top)?.scrollIntoView({ block: 'start' });
    };
    return (
        <div class="table" id={top}>
            <SortChoice columns={its.columns} order={order} choose={setOrder} />
            {/* The roles are said, since cards on a phone are no table to a browser. */}
            <table role="table" aria-label={its.caption}>
                <thead role="rowgroup">
                    <tr role="row">
                        {its.columns.map((each) => (
                            <Heading key={each.key} column={each} order={order} choose={setOrder} />
                        ))}
                    </tr>
                </thead>
                <tbody role="rowgroup">
                    {shown.rows.map((row) => (
                        <tr role="row" key={its.keyOf(row)} data-key={its.keyOf(row)}>
                            {its.columns.map((each) => (
                                <td
                                    role="cell"
                                    key={each.key}
                                    class={each.numeric ? 'numeric' : undefined}
                                    data-column={each.key}
                                >
                                    {each.name === '' ? null : (
                                        <span class="cell-name" aria-hidden="true">
                                            {each.name}
                                        </span>
                                    )}
                                    <span class="cell">{each.cell(row)}</span>
                                </td>
                            ))}
                        </tr>
                    ))}
                </tbody>
            </table>
            {shown.pages === 1 ? null : (
                <nav class="pages" aria-label={`Pages of ${its.caption}`}>
                    <button
                        type="button"
                        class="button"
                        disabled={shown.page === 0}
                        onClick={() => {
                            turn(shown.page - 1);
                        }}
                    >
                        Previous
                    </button>
                    <span role="status">
                        {shown.first}–{shown.last} of {counted(rows.length, ...its.of)}
                    </span>
                    <button
                        type="button"
                        class="button"
                        disabled={shown.page === shown.pages - 1}
                        onClick={() => {
                            turn(shown.page + 1);
                        }}
                    >
                        Next
                    </button>
                </nav>
            )}
        </div>
    );
}

interface Ordered<Row> {
    readonly order: Order;
    readonly choose: (order: Order) => void;
    readonly column: Column<Row>;
}

function Heading<Row>({ column, order, choose }: Ordered<Row>) {
    const sorts = order.by === column.key;
    const direction = sorts ? (order.descending ? 'descending' : 'ascending') : 'none';
    if (column.value === undefined) {
        return (
            <th role="columnheader" scope="col" data-column={column.key}>
                {column.name === '' ? <span class="visually-hidden">Actions</span> : column.name}
            </th>
        );
    }
    return (
        <th
            role="columnheader"
            scope="col"
            class={column.numeric ? 'numeric' : undefined}
            data-column={column.key}
            aria-sort={direction}
        >
            <button
                type="button"
                class="sort"
                data-direction={direction}
                onClick={() => {
                    choose(chosen(order, column.key));
                }}
            >
                {column.name}
            </button>
        </th>
    );
}

interface Choosing<Row> {
    readonly columns: readonly Column<Row>[];
    readonly order: Order;
    readonly choose: (order: Order) => void;
}

/** Cards have no headings to press. */
function SortChoice<Row>({ columns, order, choose }: Choosing<Row>) {
    return (
        <div class="sort-choice">
            <label>
                <span>Sorted by</span>
                <select
                    value={order.by}
                    onChange={(event) => {
                        choose({ ...order, by: event.currentTarget.value });
                    }}
                >
                    {columns
                        .filter((each) => each.value !== undefined)
                        .map((each) => (
                            <option key={each.key} value={each.key}>
                                {each.name}
                            </option>
                        ))}
                </select>
            </label>
            <button
                type="button"
                class="button"
                aria-pressed={order.descending}
                onClick={() => {
                    choose({ ...order, descending: !order.descending });
                }}
            >
                {order.descending ? 'Descending' : 'Ascending'}
            </button>
        </div>
    );
}
