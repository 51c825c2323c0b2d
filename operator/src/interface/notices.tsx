/** What was done, and what could not be. */
import { useEffect } from 'preact/hooks';
import { Icon } from './icon';

export interface Notice {
    readonly id: number;
    readonly text: string;
    readonly good: boolean;
}

const MILLISECONDS = 8000;

interface Properties {
    readonly notices: readonly Notice[];
    readonly dismiss: (id: number) => void;
}

export function Notices({ notices, dismiss }: Properties) {
    return (
        <div class="notices" role="log" aria-label="What was done" aria-live="polite">
            {notices.map((notice) => (
                <Shown key={notice.id} notice={notice} dismiss={dismiss} />
            ))}
        </div>
    );
}

function Shown({ notice, dismiss }: { readonly notice: Notice; readonly dismiss: (id: number) => void }) {
    useEffect(() => {
        if (!notice.good) {
            return undefined;
        }
        const timer = setTimeout(() => {
            dismiss(notice.id);
        }, MILLISECONDS);
        return () => {
            clearTimeout(timer);
        };
    }, [notice, dismiss]);
    return (
        <p class="notice" data-good={notice.good} role={notice.good ? undefined : 'alert'}>
            <Icon name={notice.good ? 'done' : 'alert'} />
            <span>{notice.text}</span>
            <button
                type="button"
                class="icon-button small"
                aria-label="Dismiss"
                onClick={() => {
                    dismiss(notice.id);
                }}
            >
                <Icon name="close" />
            </button>
        </p>
    );
}
