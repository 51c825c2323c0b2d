/** What is said over the running picture without hiding it: losses, warnings, requests, hints. */
import { useState } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import { others } from '../state';
import type { Do, View } from '../view';
import { warningWords } from '../words';
import { Icon, type IconName } from './icon';
import { nameOf } from './people';

export function Notices({ view, act }: { readonly view: View; readonly act: Do }) {
    const { session, texts } = view;
    const { warning, request } = session;
    return (
        <div class="notices">
            {warning === null ? null : <WarningNotice view={view} act={act} />}
            {session.lost ? (
                <Notice icon="wait" busy>
                    {texts.reconnecting}
                </Notice>
            ) : session.mending ? (
                <Notice icon="wait" busy>
                    {texts.mending}
                </Notice>
            ) : null}
            {request === null ? null : (
                <Notice icon="people" alert>
                    <span>{texts.people.asks(nameOf(view, request))}</span>
                    <button
                        type="button"
                        class="button primary small"
                        onClick={() => {
                            act({ kind: 'hand-over', player: request });
                        }}
                    >
                        {texts.people.handOver}
                    </button>
                    <button
                        type="button"
                        class="button quiet small"
                        onClick={() => {
                            act({ kind: 'refuse' });
                        }}
                    >
                        {texts.people.notNow}
                    </button>
                </Notice>
            )}
            {view.sound.waits ? (
                <Hint icon="soundOff" view={view}>
                    <button
                        type="button"
                        class="link"
                        onClick={() => {
                            act({ kind: 'sound' });
                        }}
                    >
                        {texts.soundHint}
                    </button>
                </Hint>
            ) : null}
            {view.turnDevice ? (
                <Hint icon="turn" view={view}>
                    {texts.orientation}
                </Hint>
            ) : null}
            {view.gamepad === null ? null : (
                <Hint key={view.gamepad} icon="gamepad" view={view}>
                    {texts.gamepadConnected(view.gamepad)}
                </Hint>
            )}
        </div>
    );
}

function WarningNotice({ view, act }: { readonly view: View; readonly act: Do }) {
    const { session, texts, now } = view;
    if (session.warning === null) {
        return null;
    }
    const { title, detail } = warningWords(session.warning, texts, now);
    // The time that counts down is for the eye: read out every second it would say nothing else any more.
    return (
        <div class="notice warning" role="alert" aria-label={title}>
            <Icon name="wait" />
            <div class="notice-text">
                <strong>{title}</strong>
                <span aria-live="off">{detail}</span>
            </div>
            {session.warning.reason === 'idle' ? (
                <button
                    type="button"
                    class="button primary small"
                    onClick={() => {
                        act({ kind: 'stay' });
                    }}
                >
                    {texts.actions.stay}
                </button>
            ) : null}
        </div>
    );
}

interface NoticeProperties {
    readonly icon: IconName;
    readonly busy?: boolean;
    readonly alert?: boolean;
    readonly children: ComponentChildren;
}

function Notice({ icon, busy = false, alert = false, children }: NoticeProperties) {
    return (
        <div class="notice" role={alert ? 'alert' : undefined}>
            {busy ? <span class="spinner small" aria-hidden="true" /> : <Icon name={icon} />}
            {children}
        </div>
    );
}

/** A notice that a person can wave away. */
function Hint({
    icon,
    view,
    children
}: {
    readonly icon: IconName;
    readonly view: View;
    readonly children: ComponentChildren;
}) {
    const [shown, show] = useState(true);
    return shown ? (
        <div class="notice hint">
            <Icon name={icon} />
            <span>{children}</span>
            <button
                type="button"
                class="icon-button small"
                aria-label={view.texts.dismiss}
                onClick={() => {
                    show(false);
                }}
            >
                <Icon name="close" />
            </button>
        </div>
    ) : null;
}

/** Who else is here, in the corner: for the owner how many watch, for a spectator that it watches. */
export function Presence({ view, act, open }: { readonly view: View; readonly act: Do; readonly open: () => void }) {
    const { session, texts } = view;
    if (!view.watching) {
        const count = others(session).length;
        return count === 0 ? null : (
            <button type="button" class="presence" onClick={open}>
                <Icon name="eye" />
                {texts.people.watchers(count)}
            </button>
        );
    }
    return (
        <div class="presence watching">
            <Icon name="eye" />
            <span>{texts.people.watching}</span>
            {session.asked ? (
                <span class="quiet">{texts.people.asked}</span>
            ) : (
                <button
                    type="button"
                    class="button primary small"
                    onClick={() => {
                        act({ kind: 'ask' });
                    }}
                >
                    {texts.people.ask}
                </button>
            )}
        </div>
    );
}
