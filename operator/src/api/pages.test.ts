import { expect, test } from 'vitest';
import { whole } from './pages';

test('all pages of a list come in one piece', async () => {
    const asked: string[] = [];
    const pages: Record<string, { items: number[]; next: string | null }> = {
        '': { items: [1, 2], next: 'two' },
        two: { items: [3], next: null }
    };
    const load = whole((after) => {
        asked.push(after);
        return Promise.resolve(pages[after] ?? { items: [], next: null });
    });
    const first = await load();
    expect(first).toEqual([1, 2, 3]);
    expect(asked).toEqual(['', 'two']);
    expect(await load()).toBe(first);
    pages['two'] = { items: [4], next: null };
    expect(await load()).toEqual([1, 2, 4]);
});
