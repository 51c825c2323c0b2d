/** A panel over the page. The browser's own dialog makes the rest inert, closes with Esc and gives the focus back. */
import type { ComponentChildren, TargetedKeyboardEvent } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Texts } from '../texts';
import { Icon } from './icon';

interface Properties {
    readonly name: string;
    readonly title: string;
    readonly texts: Texts;
    readonly close: () => void;
    readonly children: ComponentChildren;
}

const REACHABLE =
    'a[href], button:not(:disabled), input:not(:disabled), select:not(:disabled), textarea:not(:disabled)';

/** From the last element Tab leads to the first: not to the browser's own controls, which the dialog would allow. */
function stayWithin(event: TargetedKeyboardEvent<HTMLDialogElement>): void {
    const reachable = [...event.currentTarget.querySelectorAll<HTMLElement>(REACHABLE)];
    const [leaving, arriving] = event.shiftKey ? [reachable[0], reachable.at(-1)] : [reachable.at(-1), reachable[0]];
    if (document.activeElement === leaving) {
        event.preventDefault();
        arriving?.focus();
    }
}

type Shown = Pick<HTMLDialogElement, 'showModal' | 'close' | 'addEventListener' | 'removeEventListener'>;

/**
 * Show a dialog; `closed` is called when a person closes it. Gives how to take it away, which `closed` does not hear of:
 * the browser tells it only later, when something else may stand in its place.
 */
export function show(dialog: Shown, closed: () => void): () => void {
    dialog.addEventListener('close', closed);
    dialog.showModal();
    return () => {
        dialog.removeEventListener('close', closed);
        dialog.close();
    };
}

export function Dialog({ name, title, texts, close, children }: Properties) {
    const dialog = useRef<HTMLDialogElement>(null);
    const closing = useRef(close);
    closing.current = close;
    useEffect(() => {
        const element = dialog.current;
        return element === null
            ? undefined
            : show(element, () => {
                  closing.current();
              });
    }, []);
    return (
        <dialog
            ref={dialog}
            class="panel"
            id={`panel-${name}`}
            aria-labelledby={`panel-${name}-title`}
            onKeyDown={(event) => {
                if (event.key === 'Tab') {
                    stayWithin(event);
                }
            }}
            onClick={(event) => {
                // Beside the panel, which fills the dialog.
                if (event.target === dialog.current) {
                    close();
                }
            }}
        >
            <div class="panel-body">
                <header class="panel-head">
                    <h2 id={`panel-${name}-title`}>{title}</h2>
                    <button type="button" class="icon-button" aria-label={texts.actions.close} onClick={close}>
                        <Icon name="close" />
                    </button>
                </header>
                {children}
            </div>
        </dialog>
    );
}
