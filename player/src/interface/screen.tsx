/** The screens before, between and after the stream: what goes on, and what a person can do about it. */
import { useEffect, useRef } from 'preact/hooks';
import type { Do, View } from '../view';
import { words, type Action, type Words } from '../words';
import type { Reason } from '../session/messages';
import type { End } from '../state';
import { Icon, type IconName } from './icon';

const COMMANDS = {
    connect: 'start',
    play: 'play',
    again: 'start',
    retry: 'start',
    login: 'login',
    leaveQueue: 'leave'
} as const satisfies Record<Action, string>;

export function Screen({ view, act }: { readonly view: View; readonly act: Do }) {
    const { session, texts, config } = view;
    const { stage } = session;
    const said = words(stage, texts, view.canLogIn);
    const detail = stage.kind === 'over' && view.loginProblem !== null ? view.loginProblem : said.detail;
    return (
        <section class="screen" data-kind={stage.kind} aria-labelledby="screen-title">
            <Brand view={view} />
            <div class="screen-body">
                {stage.kind === 'queued' ? <Place position={stage.position} label={texts.queued.label} /> : null}
                {stage.kind === 'over' ? (
                    <span class="symbol" aria-hidden="true">
                        <Icon name={symbolOf(stage.end)} />
                    </span>
                ) : null}
                {said.busy && stage.kind !== 'queued' ? <span class="spinner" aria-hidden="true" /> : null}
                <h1 id="screen-title">{said.title}</h1>
                {detail === '' ? null : <p class="screen-detail">{detail}</p>}
                {said.progress === null ? null : <Progress value={said.progress} label={texts.starting.label} />}
                <Actions said={said} view={view} act={act} />
                {said.elsewhere && config.regions.length > 0 ? (
                    <nav class="regions" aria-label={texts.regions}>
                        <p>{texts.regions}</p>
                        <ul>
                            {config.regions.map(({ label, url }) => (
                                <li key={url}>
                                    <a href={url}>{label}</a>
                                </li>
                            ))}
                        </ul>
                    </nav>
                ) : null}
            </div>
            <Footer view={view} />
        </section>
    );
}

/** The pictogram of an end: what kind it is, before a word is read. */
function symbolOf(end: End): IconName {
    switch (end.kind) {
        case 'ended':
            return end.reason === 'instance_failed' ? 'alert' : 'wait';
        case 'failed':
            return SYMBOLS[end.reason ?? 'no_instance'] ?? 'alert';
        case 'closed':
        case 'media':
            return 'offline';
        case 'left':
            return 'done';
        case 'redirect':
            return 'leave';
    }
}

const SYMBOLS: Readonly<Partial<Record<Reason, IconName>>> = {
    login_required: 'lock',
    login_refused: 'lock',
    forbidden: 'lock',
    full: 'people',
    queue_full: 'people',
    too_many: 'people',
    paused: 'wait',
    rate_limited: 'wait',
    session_over: 'wait'
};

function Brand({ view }: { readonly view: View }) {
    const { name, logo } = view.config;
    return (
        <header class="brand">
            {logo === null ? null : <img src={logo} alt="" />}
            <span>{name}</span>
        </header>
    );
}

function Footer({ view }: { readonly view: View }) {
    const { links } = view.config;
    return links.length === 0 ? null : (
        <footer class="links">
            {links.map(({ label, url }) => (
                <a key={url} href={url} target="_blank" rel="noreferrer">
                    {label}
                </a>
            ))}
        </footer>
    );
}

function Place({ position, label }: { readonly position: number; readonly label: string }) {
    return (
        <div class="place" role="img" aria-label={`${label}: ${String(position)}`}>
            <span key={position}>{position}</span>
        </div>
    );
}

function Progress({ value, label }: { readonly value: number; readonly label: string }) {
    return <progress class="progress" max={1} value={value} aria-label={label} />;
}

function Actions({ said, view, act }: { readonly said: Words; readonly view: View; readonly act: Do }) {
    const first = useRef<HTMLButtonElement>(null);
    const offered = said.actions.join();
    useEffect(() => {
        // A button that somebody waits for gets the focus; one that only leaves the queue does not.
        if (!said.busy) {
            first.current?.focus({ preventScroll: true });
        }
    }, [offered, said.busy, said.title]);
    return (
        <div class="actions">
            {said.goTo === null ? null : (
                <a class="button primary" href={said.goTo.url}>
                    {said.goTo.label}
                </a>
            )}
            {said.actions.map((action, index) => (
                <button
                    key={action}
                    ref={index === 0 ? first : null}
                    type="button"
                    class={`button ${said.busy ? 'quiet' : 'primary'}`}
                    onClick={() => {
                        act({ kind: COMMANDS[action] });
                    }}
                >
                    {action === 'play' || action === 'connect' ? <Icon name="play" /> : null}
                    {view.texts.actions[action]}
                </button>
            ))}
        </div>
    );
}
