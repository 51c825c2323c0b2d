/** The controls over the picture: a handle at its upper edge that opens a bar, so that nothing covers the picture. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Do, View } from '../view';
import { Icon, type IconName } from './icon';

export type PanelName = 'settings' | 'people' | 'text';

interface Properties {
    readonly view: View;
    readonly act: Do;
    readonly open: (panel: PanelName) => void;
}

/** How long the bar stays after the pointer has left it. */
const LINGER_MILLISECONDS = 2500;

export function Toolbar({ view, act, open }: Properties) {
    const { texts } = view;
    const bar = useRef<HTMLDivElement>(null);
    const { shown, show, linger } = useLinger(bar);

    useEffect(() => {
        // Esc on the stage leads here.
        if (view.freed > 0) {
            show();
            bar.current?.querySelector('button')?.focus();
        }
    }, [view.freed, show]);

    return (
        <div
            class="toolbar"
            data-shown={shown}
            onPointerEnter={show}
            onPointerLeave={linger}
            onFocusIn={show}
            onFocusOut={linger}
            onKeyDown={(event) => {
                if (event.key === 'Escape') {
                    act({ kind: 'focus-stage' });
                }
            }}
        >
            <div ref={bar} class="bar" role="toolbar" aria-label={texts.toolbar.label}>
                <Buttons view={view} act={act} open={open} />
            </div>
            <span class="handle" aria-hidden="true" onClick={shown ? linger : show} />
        </div>
    );
}

function Buttons({ view, act, open }: Properties) {
    const { texts, preferences } = view;
    const say = texts.toolbar;
    const on = view.fullscreen === 'on';
    return (
        <>
            {view.sound.available ? (
                <Button
                    icon={view.sound.on ? 'soundOn' : 'soundOff'}
                    label={view.sound.on ? say.soundOff : say.soundOn}
                    press={() => {
                        act({ kind: 'sound' });
                    }}
                />
            ) : null}
            {view.touch && !view.watching ? (
                <Button
                    icon="keyboard"
                    label={say.keyboard}
                    press={() => {
                        open('text');
                    }}
                />
            ) : null}
            {view.fullscreen === 'on' || view.fullscreen === 'off' ? (
                <Button
                    icon={on ? 'exitFullscreen' : 'fullscreen'}
                    label={on ? say.exitFullscreen : say.fullscreen}
                    press={() => {
                        act({ kind: 'fullscreen' });
                    }}
                />
            ) : null}
            <Button
                icon="statistics"
                label={say.statistics}
                pressed={preferences.statistics}
                press={() => {
                    act({ kind: 'prefer', change: { statistics: !preferences.statistics } });
                }}
            />
            <Button
                icon="people"
                label={say.people}
                press={() => {
                    open('people');
                }}
            />
            <Button
                icon="settings"
                label={say.settings}
                press={() => {
                    open('settings');
                }}
            />
            {view.gamepad === null ? null : (
                <span
                    class="indicator"
                    role="img"
                    aria-label={texts.gamepadConnected(view.gamepad)}
                    title={view.gamepad}
                >
                    <Icon name="gamepad" />
                </span>
            )}
            <Button
                icon="leave"
                label={say.leave}
                press={() => {
                    act({ kind: 'leave' });
                }}
            />
        </>
    );
}

interface ButtonProperties {
    readonly icon: IconName;
    readonly label: string;
    readonly pressed?: boolean;
    readonly press: () => void;
}

function Button({ icon, label, pressed, press }: ButtonProperties) {
    return (
        <button
            type="button"
            class="icon-button"
            aria-label={label}
            title={label}
            aria-pressed={pressed}
            onClick={press}
        >
            <Icon name={icon} />
        </button>
    );
}

/** Whether the bar is shown: at first, while it is used, and a little longer. */
function useLinger(bar: { readonly current: HTMLElement | null }) {
    const [shown, setShown] = useState(true);
    const timer = useRef(0);
    const actions = useRef({
        show: (): void => {
            clearTimeout(timer.current);
            setShown(true);
        },
        linger: (): void => {
            clearTimeout(timer.current);
            timer.current = window.setTimeout(() => {
                if (bar.current?.contains(document.activeElement) !== true) {
                    setShown(false);
                }
            }, LINGER_MILLISECONDS);
        }
    });
    useEffect(() => {
        actions.current.linger();
        return () => {
            clearTimeout(timer.current);
        };
    }, []);
    return { shown, ...actions.current };
}
