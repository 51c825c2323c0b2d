import { expect, test } from 'vitest';
import type { AuditEntry } from '../api/types';
import { continued, NOTHING, oldest, renewed } from './audit';

function entry(number: number): AuditEntry {
    return {
        id: `${number}-0`,
        // The clocks of those who write differ.
        at: number % 2 === 0 ? '2027-01-15T08:30:00Z' : '2027-01-15T08:29:59Z',
        action: 'endSession',
        target: 's1',
        status: 202,
        credential: 'current',
        operator: 'ada',
        address: '192.0.2.1',
        details: {}
    };
}

/** From the newest down to the oldest. */
function entries(newest: number, oldest: number): AuditEntry[] {
    return Array.from({ length: newest - oldest + 1 }, (_, at) => entry(newest - at));
}

test('what is new stands before what was read', () => {
    const read = renewed(renewed(NOTHING, entries(20, 11)), entries(23, 14));
    expect(read.entries).toEqual(entries(23, 11));
    expect(renewed(read, entries(23, 14))).toBe(read);
});

test('a newest page that does not reach what was read begins anew, and older ones follow it', () => {
    const before = continued(renewed(NOTHING, entries(20, 11)), '11-0', { items: entries(10, 1), next: null });
    expect(before).toEqual({ entries: entries(20, 1), whole: true });
    const anew = renewed(before, entries(40, 31));
    expect(anew).toEqual({ entries: entries(40, 31), whole: false });
    expect(continued(anew, oldest(anew), { items: entries(30, 21), next: '21-0' }).entries).toEqual(entries(40, 21));
});

test('a page that was asked for before it was begun anew is not put behind it', () => {
    const anew = renewed(renewed(NOTHING, entries(20, 11)), entries(40, 31));
    expect(continued(anew, '11-0', { items: entries(10, 1), next: null })).toBe(anew);
});

test('a log that was lost is empty', () => {
    expect(renewed(renewed(NOTHING, entries(20, 11)), []).entries).toEqual([]);
});

test('older entries follow the last that was read, whatever the clocks say', () => {
    expect(oldest(renewed(NOTHING, entries(20, 12)))).toBe('12-0');
    expect(oldest(NOTHING)).toBe('');
});
