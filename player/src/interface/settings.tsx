/** What a person can set: picture, sound, control, language. It takes effect at once and is remembered. */
import type { ComponentChildren } from 'preact';
import { FRAME_RATES, MEGABITS, type Preferences } from '../preferences';
import { LANGUAGES } from '../texts';
import type { Do, View } from '../view';
import { Dialog } from './dialog';

interface Part {
    readonly view: View;
    readonly prefer: (change: Partial<Preferences>) => void;
}

export function Settings({ view, act, close }: { readonly view: View; readonly act: Do; readonly close: () => void }) {
    const { texts } = view;
    const prefer = (change: Partial<Preferences>): void => {
        act({ kind: 'prefer', change });
    };
    return (
        <Dialog name="settings" title={texts.settings.title} texts={texts} close={close}>
            <Picture view={view} prefer={prefer} />
            <SoundSettings view={view} prefer={prefer} />
            {view.watching ? null : <Control view={view} prefer={prefer} />}
            <Group title={texts.settings.page}>
                <Choice
                    label={texts.settings.language}
                    value={view.preferences.language}
                    options={[
                        ['', texts.settings.languageAutomatic],
                        ...Object.entries(LANGUAGES).map(([tag, { name }]): [string, string] => [tag, name])
                    ]}
                    choose={(language) => {
                        prefer({ language });
                    }}
                />
                {view.fullscreen === 'home-screen' ? <p class="quiet">{texts.settings.homeScreen}</p> : null}
                {view.loggedIn ? (
                    <button
                        type="button"
                        class="button quiet wide"
                        onClick={() => {
                            close();
                            act({ kind: 'logout' });
                        }}
                    >
                        {texts.settings.logOut}
                    </button>
                ) : null}
            </Group>
        </Dialog>
    );
}

function Picture({ view, prefer }: Part) {
    const { texts, preferences } = view;
    if (view.watching) {
        return (
            <Group title={texts.settings.quality}>
                <p class="quiet">{texts.settings.notInControl}</p>
            </Group>
        );
    }
    return (
        <Group title={texts.settings.quality}>
            <Switch
                label={texts.settings.matchResolution}
                hint={texts.settings.matchResolutionHint}
                on={preferences.matchResolution}
                turn={(matchResolution) => {
                    prefer({ matchResolution });
                }}
            />
            {preferences.matchResolution ? (
                <Switch
                    label={texts.settings.sharp}
                    on={preferences.sharp}
                    turn={(sharp) => {
                        prefer({ sharp });
                    }}
                />
            ) : null}
            <Choice
                label={texts.settings.bitrate}
                value={String(preferences.megabits)}
                options={MEGABITS.map((each) => [
                    String(each),
                    each === 0 ? texts.settings.automatic : texts.settings.megabits(each)
                ])}
                choose={(value) => {
                    prefer({ megabits: Number(value) });
                }}
            />
            <Choice
                label={texts.settings.frameRate}
                value={String(preferences.frameRate)}
                options={FRAME_RATES.map((each) => [
                    String(each),
                    each === 0 ? texts.settings.automatic : String(each)
                ])}
                choose={(value) => {
                    prefer({ frameRate: Number(value) });
                }}
            />
        </Group>
    );
}

function SoundSettings({ view, prefer }: Part) {
    const { texts, preferences } = view;
    return (
        <Group title={texts.settings.sound}>
            <Switch
                label={texts.settings.soundOn}
                on={preferences.sound}
                turn={(sound) => {
                    prefer({ sound });
                }}
            />
            <label class="field">
                <span>{texts.settings.volume}</span>
                <input
                    type="range"
                    min={0}
                    max={1}
                    step={0.05}
                    value={preferences.volume}
                    onInput={(event) => {
                        prefer({ volume: event.currentTarget.valueAsNumber });
                    }}
                />
            </label>
            {view.watching ? null : (
                <Switch
                    label={texts.settings.microphone}
                    hint={view.secure ? texts.settings.microphoneHint : texts.settings.microphoneInsecure}
                    on={preferences.microphone}
                    disabled={!view.secure}
                    turn={(microphone) => {
                        prefer({ microphone });
                    }}
                />
            )}
        </Group>
    );
}

function Control({ view, prefer }: Part) {
    const { texts, preferences } = view;
    return (
        <Group title={texts.settings.control}>
            <Choice
                label={texts.settings.mouse}
                value={preferences.mouse}
                options={[
                    ['automatic', texts.settings.mouseAutomatic],
                    ['hovering', texts.settings.mouseHovering],
                    ['locked', texts.settings.mouseLocked]
                ]}
                choose={(mouse) => {
                    prefer({ mouse: mouse as Preferences['mouse'] });
                }}
            />
            {view.touch ? (
                <Choice
                    label={texts.settings.touch}
                    value={preferences.touch}
                    options={[
                        ['fingers', texts.settings.touchFingers],
                        ['mouse', texts.settings.touchMouse]
                    ]}
                    choose={(touch) => {
                        prefer({ touch: touch as Preferences['touch'] });
                    }}
                />
            ) : null}
            <Switch
                label={texts.settings.keyboard}
                on={preferences.keyboard}
                turn={(keyboard) => {
                    prefer({ keyboard });
                }}
            />
            <Switch
                label={texts.settings.escape}
                hint={texts.toolbar.hint}
                on={preferences.escape}
                disabled={!preferences.keyboard}
                turn={(escape) => {
                    prefer({ escape });
                }}
            />
            <Switch
                label={texts.settings.gamepad}
                hint={view.gamepad === null ? texts.settings.gamepadNone : texts.settings.gamepadFound(view.gamepad)}
                on={preferences.gamepad}
                turn={(gamepad) => {
                    prefer({ gamepad });
                }}
            />
        </Group>
    );
}

function Group({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
    return (
        <fieldset class="group">
            <legend>{title}</legend>
            {children}
        </fieldset>
    );
}

interface SwitchProperties {
    readonly label: string;
    readonly hint?: string;
    readonly on: boolean;
    readonly disabled?: boolean;
    readonly turn: (on: boolean) => void;
}

function Switch({ label, hint, on, disabled = false, turn }: SwitchProperties) {
    return (
        <label class="field switch">
            <span>
                {label}
                {hint === undefined ? null : <small>{hint}</small>}
            </span>
            <input
                type="checkbox"
                role="switch"
                checked={on}
                disabled={disabled}
                onChange={(event) => {
                    turn(event.currentTarget.checked);
                }}
            />
        </label>
    );
}

interface ChoiceProperties {
    readonly label: string;
    readonly value: string;
    readonly options: readonly (readonly [string, string])[];
    readonly choose: (value: string) => void;
}

function Choice({ label, value, options, choose }: ChoiceProperties) {
    return (
        <label class="field">
            <span>{label}</span>
            <select
                value={value}
                onChange={(event) => {
                    choose(event.currentTarget.value);
                }}
            >
                {options.map(([each, name]) => (
                    <option key={each} value={each}>
                        {name}
                    </option>
                ))}
            </select>
        </label>
    );
}
