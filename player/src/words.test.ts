import { describe, expect, it } from 'vitest';
import { REASONS, type Reason } from './session/messages';
import type { End, Stage } from './state';
import { chooseLanguage, LANGUAGES, textsOf, timeOf } from './texts';
import { en } from './texts/en';
import { warningWords, words } from './words';

const IN: Readonly<Record<'failed' | 'ended', readonly Reason[]>> = {
    ended: ['idle', 'time_limit', 'maintenance', 'terminated', 'left', 'instance_failed', 'taken_over'],
    failed: [
        'instance_failed',
        'login_required',
        'login_refused',
        'forbidden',
        'unknown_application',
        'paused',
        'full',
        'queue_full',
        'too_many',
        'rate_limited',
        'session_over',
        'no_instance'
    ]
};

function over(end: End): Stage {
    return { kind: 'over', end };
}

function failed(reason: Reason | null, retry: boolean, message = ''): Stage {
    return over({ kind: 'failed', reason, message, retry });
}

describe.each(Object.keys(LANGUAGES))('in %s', (language) => {
    const texts = textsOf(language);

    it('every reason of the protocol has words of its own', () => {
        expect(new Set([...IN.ended, ...IN.failed])).toEqual(new Set(REASONS));
        for (const reason of IN.ended) {
            expect(texts.ended).toHaveProperty(reason);
        }
        for (const reason of IN.failed) {
            expect(texts.failed).toHaveProperty(reason);
        }
    });

    it('what ended can be begun again', () => {
        for (const reason of IN.ended) {
            const said = words(over({ kind: 'ended', reason, message: 'x' }), texts, false);
            expect([said.actions, said.busy], reason).toEqual([['again'], false]);
            expect(said.title).not.toBe('');
        }
    });

    it('what failed has a way on where there is one, and words where there is none', () => {
        for (const reason of IN.failed) {
            expect(words(failed(reason, true), texts, false).actions, reason).toHaveLength(1);
            expect(words(failed(reason, false), texts, false).detail, reason).not.toBe('');
        }
    });

    it('every stage has a title', () => {
        const stages: Stage[] = [
            { kind: 'idle' },
            { kind: 'connecting' },
            { kind: 'queued', position: 1, estimateSeconds: null },
            { kind: 'starting', step: 'instance' },
            { kind: 'blocked' },
            { kind: 'playing' },
            over({ kind: 'left' }),
            over({ kind: 'media', played: true }),
            over({ kind: 'closed', cause: 'unreachable', message: '' }),
            over({ kind: 'redirect', url: 'https://play-jp.example.com/', ticket: 'T' })
        ];
        for (const stage of stages) {
            expect(words(stage, texts, false).title, stage.kind).not.toBe('');
        }
    });

    it('a warning counts down', () => {
        const warning = { reason: 'idle', until: 61_000 } as const;
        expect(warningWords(warning, texts, 1000).detail).toContain('60');
        expect(warningWords(warning, texts, 1000).detail).not.toBe(warningWords(warning, texts, 40_000).detail);
    });
});

describe('words', () => {
    it('lead to the login where there is one, and where a new one helps', () => {
        for (const reason of ['login_required', 'login_refused', 'forbidden'] as const) {
            expect(words(failed(reason, false), en, true).actions).toEqual(['login']);
            expect(words(failed(reason, false), en, false).actions).toEqual([]);
        }
        expect(words(failed('full', true), en, true).actions).toEqual(['retry']);
    });

    it('lead elsewhere where this region has no room', () => {
        expect(words(failed('full', true), en, false).elsewhere).toBe(true);
        expect(words(failed('forbidden', false), en, false).elsewhere).toBe(false);
        const moved = over({ kind: 'redirect', url: 'https://play-jp.example.com/x', ticket: 'T' });
        expect(words(moved, en, false).goTo?.label).toContain('play-jp.example.com');
    });

    it("are the service's own for a reason that is not known", () => {
        expect(words(failed(null, true, 'Solar flare.'), en, false).detail).toBe('Solar flare.');
        expect(words(failed(null, true), en, false).detail).not.toBe('');
    });

    it('tell place and wait', () => {
        const queued = (position: number, estimateSeconds: number | null): Stage => ({
            kind: 'queued',
            position,
            estimateSeconds
        });
        expect(words(queued(3, 130), en, false).title).toContain('3');
        expect(words(queued(3, 130), en, false).detail).toContain('2 minutes');
        expect(words(queued(1, 10), en, false).title).toBe('You are next');
        expect(words(queued(1, null), en, false).detail).not.toMatch(/\d/);
    });

    it('show progress that grows', () => {
        const steps = (['instance', 'offer', 'media'] as const).map(
            (step) => words({ kind: 'starting', step }, en, false).progress ?? 0
        );
        expect(steps).toEqual([...steps].sort());
        expect(new Set(steps).size).toBe(3);
    });
});

describe('a language', () => {
    it.each([
        ['', ['de-CH', 'en'], 'de'],
        ['en', ['de'], 'en'],
        ['', ['fr', 'de'], 'de'],
        ['', ['constructor'], 'en'],
        ['xx', [], 'en']
    ])('%s of %s is %s', (chosen, browser, language) => {
        expect(chooseLanguage(chosen, browser)).toBe(language);
    });

    it('has seconds and minutes', () => {
        expect([timeOf(en, 1), timeOf(en, -3), timeOf(en, 59.2), timeOf(en, 600)]).toEqual([
            '1 second',
            '0 seconds',
            '60 seconds',
            '10 minutes'
        ]);
    });
});
