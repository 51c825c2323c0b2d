import { describe, expect, it } from 'vitest';
import { DEFAULTS, readPreferences, writePreferences } from './preferences';
import { keepTicket, keepTokens, keptCredentials, keptTicket, type Storage } from './session/kept';

function storage(): Storage {
    const map = new Map<string, string>();
    return {
        getItem: (key) => map.get(key) ?? null,
        setItem: (key, value) => map.set(key, value),
        removeItem: (key) => map.delete(key)
    };
}

describe('preferences', () => {
    it('are remembered, but for the microphone', () => {
        const kept = storage();
        writePreferences(kept, { ...DEFAULTS, volume: 0.3, mouse: 'locked', microphone: true });
        expect(readPreferences(kept)).toEqual({ ...DEFAULTS, volume: 0.3, mouse: 'locked' });
    });

    it.each(['', 'null', '7', '{"volume":"loud","mouse":"tame","megabits":3,"sound":1}'])('bear %j', (text) => {
        const kept = storage();
        kept.setItem('pixel-preferences', text);
        expect(readPreferences(kept)).toEqual(DEFAULTS);
    });

    it('keep the volume in its bounds', () => {
        const kept = storage();
        kept.setItem('pixel-preferences', '{"volume":7}');
        expect(readPreferences(kept).volume).toBe(1);
    });
});

describe('a tab', () => {
    it('keeps its ticket for one application', () => {
        const kept = storage();
        keepTicket(kept, 'demo', { ticket: 'T', session: 's' });
        expect(keptTicket(kept, 'demo')).toEqual({ ticket: 'T', session: 's' });
        expect(keptTicket(kept, null)).toBeNull();
        keepTicket(kept, 'demo', null);
        expect(keptTicket(kept, 'demo')).toBeNull();
    });

    it('keeps its tokens until it is told to forget them', () => {
        const kept = storage();
        keepTokens(kept, ['a', 'b']);
        expect(keptCredentials(kept)).toEqual({ tokens: ['a', 'b'], ticket: null });
        keepTokens(kept, []);
        expect(keptCredentials(kept).tokens).toEqual([]);
    });
});
