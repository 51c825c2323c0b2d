import { describe, expect, it, vi } from 'vitest';
import { show } from './dialog';

/** As much of the browser's dialog as is used: it tells of its close later, and also when it is no longer in the page. */
class FakeDialog extends EventTarget {
    open = false;

    showModal(): void {
        this.open = true;
    }

    close(): void {
        this.open = false;
        queueMicrotask(() => {
            this.dispatchEvent(new Event('close'));
        });
    }
}

describe('a dialog', () => {
    it('tells that a person has closed it', async () => {
        const dialog = new FakeDialog();
        const closed = vi.fn();
        show(dialog, closed);
        expect(dialog.open).toBe(true);
        dialog.close();
        await Promise.resolve();
        expect(closed).toHaveBeenCalledOnce();
    });

    it('says nothing once it is taken away: something else may be open by then', async () => {
        const dialog = new FakeDialog();
        const closed = vi.fn();
        const takeAway = show(dialog, closed);
        takeAway();
        await Promise.resolve();
        expect([dialog.open, closed.mock.calls.length]).toEqual([false, 0]);
    });
});
