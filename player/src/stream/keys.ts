/**
 * Who gets the keys. Epic's library listens on the whole document and takes every key for the application; here the
 * stage's keys are the application's, the interface's are the page's, and Esc leads from one to the other.
 */

export interface KeyRules {
    readonly stage: HTMLElement;
    /** Holds everything of the page that is not the stage. */
    readonly interface: HTMLElement;
    /** Esc goes to the application as well. */
    escapeToo(): boolean;
    /** Esc was pressed on the stage. */
    freed(): void;
    /** A key that is held on the stage will not be heard of any more. */
    release(code: number): void;
}

/** Codes of the right-hand keys and of the system's, as Epic's library tells them to the application. */
const CODES: Readonly<Record<string, number>> = {
    ShiftRight: 253,
    ControlRight: 254,
    AltRight: 255,
    MetaLeft: 91,
    MetaRight: 92
};

/** Keep to the rules from now on. */
export function ruleKeys(rules: KeyRules): void {
    const held = new Map<string, number>();
    let escaping = false;
    const letGo = (): void => {
        for (const code of held.values()) {
            rules.release(code);
        }
        held.clear();
    };
    const ofInterface = (event: Event): boolean =>
        event.target instanceof Node && (rules.interface.contains(event.target) || modal());
    // While a panel is open nothing else has keys, not even the page around it.
    const modal = (): boolean => rules.interface.querySelector('dialog[open]') !== null;
    const deafen = (event: Event): void => {
        if (modal() && event.target instanceof Node && !rules.interface.contains(event.target)) {
            event.stopImmediatePropagation();
        }
    };

    for (const kind of ['keydown', 'keypress', 'keyup'] as const) {
        document.addEventListener(kind, deafen, { capture: true });
    }
    document.addEventListener(
        'keydown',
        (event) => {
            if (ofInterface(event)) {
                return;
            }
            escaping = event.key === 'Escape';
            if (!escaping) {
                // Deprecated, and what the library sends.
                // eslint-disable-next-line @typescript-eslint/no-deprecated
                held.set(event.code, CODES[event.code] ?? event.keyCode);
                return;
            }
            if (!rules.escapeToo()) {
                event.stopImmediatePropagation();
            }
        },
        { capture: true }
    );
    document.addEventListener(
        'keyup',
        (event) => {
            if (ofInterface(event)) {
                return;
            }
            held.delete(event.code);
            // Pressed in the interface, it has led here and is only released here.
            if (event.key === 'Escape' && escaping) {
                escaping = false;
                if (!rules.escapeToo()) {
                    event.stopImmediatePropagation();
                }
                // After the library has sent it on.
                queueMicrotask(() => {
                    rules.freed();
                });
            }
        },
        { capture: true }
    );
    for (const kind of ['keydown', 'keypress', 'keyup'] as const) {
        rules.interface.addEventListener(kind, (event) => {
            event.stopPropagation();
        });
    }
    // The library keeps the browser from giving the focus to what is clicked.
    rules.stage.addEventListener('pointerdown', () => {
        rules.stage.focus({ preventScroll: true });
    });
    rules.stage.addEventListener('focusout', letGo);
    window.addEventListener('blur', letGo);
}
