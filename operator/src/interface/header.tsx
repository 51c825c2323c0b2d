/** The head of the page: where one can go, how fresh what is shown is, and who operates. */
import { useEffect, useRef } from 'preact/hooks';
import type { Health } from '../api/service';
import { freshness } from '../model/freshness';
import { useNow, useOperating, useWatched } from '../operating';
import { linkTo, VIEWS, type View } from '../route';
import { Icon } from './icon';

const NAMES: Readonly<Record<View, string>> = {
    overview: 'Overview',
    sessions: 'Sessions',
    queue: 'Queue',
    instances: 'Instances',
    nodes: 'Nodes',
    links: 'Links',
    audit: 'Audit log'
};

interface Properties {
    readonly view: View;
    readonly health: Health;
    readonly name: string;
    readonly leave: () => void;
}

export function Header({ view, health, name, leave }: Properties) {
    const { service } = useOperating();
    const current = useRef<HTMLAnchorElement>(null);
    useEffect(() => {
        // On a phone not all of them fit.
        current.current?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    }, [view]);
    const waiting = (useWatched(service.applications) ?? []).reduce((sum, each) => sum + each.waiting, 0);
    return (
        <header class="head">
            <a
                class="skip"
                href="#main"
                onClick={(event) => {
                    // The address says which view is shown.
                    event.preventDefault();
                    document.getElementById('main')?.focus();
                }}
            >
                Skip to the content
            </a>
            <div class="head-line">
                <span class="brand">
                    <img src="./favicon.svg" alt="" width="24" height="24" />
                    <span>Pixel Streaming</span>
                </span>
                <Freshness health={health} />
                <span class="operator">
                    <Icon name="person" />
                    <span class="operator-name">{name}</span>
                    <button type="button" class="button small" onClick={leave}>
                        Sign out
                    </button>
                </span>
            </div>
            <nav aria-label="Views">
                {VIEWS.map((each) => (
                    <a
                        key={each}
                        ref={each === view ? current : null}
                        href={linkTo(each)}
                        aria-current={each === view ? 'page' : undefined}
                    >
                        <Icon name={each} />
                        <span>{NAMES[each]}</span>
                        {each === 'queue' && waiting > 0 ? <span class="count">{waiting}</span> : null}
                    </a>
                ))}
            </nav>
        </header>
    );
}

function Freshness({ health }: { readonly health: Health }) {
    const { state, words } = freshness(health, useNow(1));
    return (
        <span class="freshness" data-state={state} title={health.trouble ?? undefined}>
            {words}
        </span>
    );
}
