/** A panel over the page. The browser's own dialog keeps the focus in it, closes with Esc and gives the focus back. */
import type { ComponentChildren } from 'preact';
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

export function Dialog({ name, title, texts, close, children }: Properties) {
    const dialog = useRef<HTMLDialogElement>(null);
    useEffect(() => {
        const element = dialog.current;
        element?.showModal();
        return () => {
            element?.close();
        };
    }, []);
    return (
        <dialog
            ref={dialog}
            class="panel"
            id={`panel-${name}`}
            aria-labelledby={`panel-${name}-title`}
            onClose={close}
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
