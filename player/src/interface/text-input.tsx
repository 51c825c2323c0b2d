/** Text for the application, where there is no keyboard: letter by letter, or as a whole when the application asks. */
import { useRef, useState } from 'preact/hooks';
import { typed } from '../stream/typing';
import type { Do, View } from '../view';
import { Dialog } from './dialog';

interface Properties {
    readonly view: View;
    readonly act: Do;
    readonly close: () => void;
}

/** The application asks for text: what is written replaces what its text box holds. */
export function AskedText({ view, act, close }: Properties) {
    const { texts } = view;
    const [text, setText] = useState(view.session.textWanted ?? '');
    return (
        <Dialog name="text" title={texts.textInput.title} texts={texts} close={close}>
            <form
                class="text-input"
                onSubmit={(event) => {
                    event.preventDefault();
                    act({ kind: 'send-text', text });
                }}
            >
                <label class="field">
                    <span>{texts.textInput.label}</span>
                    <input
                        type="text"
                        autoFocus
                        autoComplete="off"
                        enterKeyHint="send"
                        value={text}
                        onInput={(event) => {
                            setText(event.currentTarget.value);
                        }}
                    />
                </label>
                <p class="quiet">{texts.textInput.asked}</p>
                <div class="actions">
                    <button type="submit" class="button primary">
                        {texts.actions.send}
                    </button>
                    <button type="button" class="button quiet" onClick={close}>
                        {texts.actions.cancel}
                    </button>
                </div>
            </form>
        </Dialog>
    );
}

/** A person wants to type: every letter is a key press in the application. */
export function LiveText({ view, act, close }: Properties) {
    const { texts } = view;
    const before = useRef('');
    return (
        <Dialog name="text" title={texts.textInput.title} texts={texts} close={close}>
            <form
                class="text-input"
                onSubmit={(event) => {
                    event.preventDefault();
                    act({ kind: 'enter' });
                    before.current = '';
                    event.currentTarget.reset();
                }}
            >
                <label class="field">
                    <span>{texts.textInput.label}</span>
                    <input
                        type="text"
                        autoFocus
                        autoComplete="off"
                        autoCapitalize="none"
                        spellcheck={false}
                        enterKeyHint="enter"
                        onInput={(event) => {
                            const after = event.currentTarget.value;
                            act({ kind: 'type', typed: typed(before.current, after) });
                            before.current = after;
                        }}
                    />
                </label>
                <p class="quiet">{texts.textInput.live}</p>
            </form>
        </Dialog>
    );
}
