import { expect, test } from 'vitest';
import { age, chosen, paged, sorted } from './sorting';

test('names sort as people count, numbers as numbers, and what is unknown comes last either way', () => {
    expect(sorted(['v10', 'v9', 'V1'], (each) => each, false)).toEqual(['V1', 'v9', 'v10']);
    const numbers = [{ at: 10 }, { at: null }, { at: 9 }];
    expect(sorted(numbers, (each) => each.at, false).map((each) => each.at)).toEqual([9, 10, null]);
    expect(sorted(numbers, (each) => each.at, true).map((each) => each.at)).toEqual([10, 9, null]);
});

test('equals keep their places, so that rows do not jump', () => {
    const rows = ['b', 'a', 'c'].map((name) => ({ name, weight: 1 }));
    for (const descending of [false, true]) {
        expect(sorted(rows, (each) => each.weight, descending).map((each) => each.name)).toEqual(['b', 'a', 'c']);
    }
});

test('the same column again turns the order round, another one begins anew', () => {
    const order = chosen({ by: 'who', descending: false }, 'who');
    expect(order).toEqual({ by: 'who', descending: true });
    expect(chosen(order, 'since')).toEqual({ by: 'since', descending: false });
});

test('of moments the last one is the youngest', () => {
    expect(sorted([1000, 3000, null], age, false)).toEqual([3000, 1000, null]);
});

test.each([
    [120, 0, { first: 1, last: 50, page: 0, pages: 3 }],
    [120, 2, { first: 101, last: 120, page: 2, pages: 3 }],
    [40, 2, { first: 1, last: 40, page: 0, pages: 1 }],
    [0, 0, { first: 0, last: 0, page: 0, pages: 1 }],
    [50, 0, { first: 1, last: 50, page: 0, pages: 1 }]
])('of %i rows page %i is %j', (length, page, shown) => {
    const found = paged(
        Array.from({ length }, (_, at) => at),
        page,
        50
    );
    expect(found).toMatchObject(shown);
    expect(found.rows.length).toBe(shown.last - shown.first + (length === 0 ? 0 : 1));
});
