import { expect, test } from 'vitest';
import { Access, credentialsOf, type Kept } from './access';

function storage(): Kept & { readonly values: Map<string, string> } {
    const values = new Map<string, string>();
    return {
        values,
        getItem: (key) => values.get(key) ?? null,
        setItem: (key, value) => {
            values.set(key, value);
        },
        removeItem: (key) => {
            values.delete(key);
        }
    };
}

test('a reload of the tab needs no new sign-in, signing out forgets the key', () => {
    const kept = storage();
    new Access(kept).keep({ key: 'the-key', name: 'Ada' });
    const access = new Access(kept);
    expect(access.read()).toEqual({ key: 'the-key', name: 'Ada' });
    access.forget();
    expect(access.read()).toBeNull();
    expect(access.name).toBe('Ada');
    expect([...kept.values.values()]).not.toContain('the-key');
});

test('without a storage nothing is kept', () => {
    const access = new Access(null);
    access.keep({ key: 'the-key', name: 'Ada' });
    expect(access.read()).toBeNull();
});

test('a key is a word and a name is a must', () => {
    expect(credentialsOf(' k3y\n', ' Ada Lovelace ')).toEqual({ key: 'k3y', name: 'Ada Lovelace' });
    expect(credentialsOf('k3y', ' ')).toContain('name');
    expect(credentialsOf('', 'Ada')).toContain('admin key');
    expect(credentialsOf('two words', 'Ada')).toContain('one word');
    expect(credentialsOf('k', 'x'.repeat(80))).toMatchObject({ name: 'x'.repeat(64) });
});
