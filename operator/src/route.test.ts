import { expect, test } from 'vitest';
import { EVERYTHING } from './model/sessions';
import { linkTo, readRoute, VIEWS } from './route';

test('every view has an address that leads to it', () => {
    for (const view of VIEWS) {
        expect(readRoute(linkTo(view))).toEqual({ view, filter: EVERYTHING });
    }
});

test('a filter travels in the address', () => {
    const filter = { text: 'ada & co', application: 'showroom', state: 'away', quality: 'poor' } as const;
    expect(readRoute(linkTo('sessions', filter))).toEqual({ view: 'sessions', filter });
    expect(linkTo('sessions', { text: '' })).toBe('#/sessions');
});

test.each(['', '#', '#/', '#/nowhere', '#/sessions/../..', '#main'])('%j leads to the overview', (hash) => {
    expect(readRoute(hash).view).toBe('overview');
});

test('what a filter does not know is any', () => {
    expect(readRoute('#/sessions?state=gone&quality=toString').filter).toEqual(EVERYTHING);
});
