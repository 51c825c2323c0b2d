import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { pause, Watched, type Round } from './live';

beforeEach(() => {
    vi.useFakeTimers();
});
afterEach(() => {
    vi.useRealTimers();
});

class Asked implements Round {
    hidden = false;
    worth = true;
    times = 0;
    answers = 0;
    failures = 0;
    answer: () => Promise<number> = () => Promise.resolve(this.times);
    readonly watched = new Watched(
        this,
        () => {
            this.times++;
            return this.answer();
        },
        () => 2
    );

    answered(): void {
        this.answers++;
    }

    failed(): boolean {
        this.failures++;
        return this.worth;
    }
}

const seconds = (count: number): Promise<unknown> => vi.advanceTimersByTimeAsync(count * 1000);

test('it asks while somebody listens, and tells each change', async () => {
    const asked = new Asked();
    const heard: number[] = [];
    const end = asked.watched.watch((value) => heard.push(value));
    await seconds(5);
    expect(heard).toEqual([1, 2, 3]);
    end();
    await seconds(60);
    expect(asked.times).toBe(3);
});

test('who listens later hears at once what is known, and the same value is not told again', async () => {
    const asked = new Asked();
    asked.answer = () => Promise.resolve(7);
    const heard: number[] = [];
    asked.watched.watch((value) => heard.push(value));
    await seconds(10);
    expect(heard).toEqual([7]);
    asked.watched.watch((value) => heard.push(value * 10));
    expect(heard).toEqual([7, 70]);
});

test('it asks less often while nobody answers, and as before once somebody does', async () => {
    const asked = new Asked();
    const works = asked.answer;
    asked.answer = () => Promise.reject(new Error('away'));
    asked.watched.watch(() => undefined);
    await seconds(0);
    expect([asked.times, asked.watched.trouble]).toEqual([1, 'away']);
    await seconds(3.9);
    expect(asked.times).toBe(1);
    await seconds(0.2);
    expect(asked.times).toBe(2);
    await seconds(300);
    expect(asked.failures).toBeLessThan(15);
    asked.answer = works;
    await seconds(30);
    expect(asked.watched.trouble).toBeNull();
    const before = asked.times;
    await seconds(10);
    expect(asked.times - before).toBe(5);
});

test.each([
    [2, 0, 2],
    [2, 1, 4],
    [2, 3, 16],
    [2, 50, 30],
    [10, 2, 30]
])('usually %i s, after %i failures %i s', (usual, failures, expected) => {
    expect(pause(usual, failures)).toBe(expected);
});

test('while nobody sees the page nothing is asked, and at once when somebody does', async () => {
    const asked = new Asked();
    asked.watched.watch(() => undefined);
    await seconds(0);
    asked.hidden = true;
    await seconds(60);
    expect(asked.times).toBe(1);
    asked.hidden = false;
    asked.watched.refresh();
    await seconds(0);
    expect(asked.times).toBe(2);
});

test('an answer from before something was done is followed by another question at once', async () => {
    const asked = new Asked();
    let answer: (value: number) => void = () => undefined;
    asked.answer = () =>
        new Promise((resolve) => {
            answer = resolve;
        });
    asked.watched.watch(() => undefined);
    await seconds(0);
    asked.watched.refresh();
    expect(asked.times).toBe(1);
    answer(1);
    await seconds(0);
    expect(asked.times).toBe(2);
});

test('after a refusal for good it asks no more', async () => {
    const asked = new Asked();
    asked.worth = false;
    asked.answer = () => Promise.reject(new Error('no'));
    asked.watched.watch(() => undefined);
    await seconds(300);
    expect(asked.times).toBe(1);
});
