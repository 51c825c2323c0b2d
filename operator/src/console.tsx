/** The page at work: where one goes, what is shown there, what is asked and said. */
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { actionOf, USUAL, type Asked } from './actions';
import { Client, Unauthorized, wordsOf, type Credentials } from './api/client';
import { Service, type Health } from './api/service';
import { Asking } from './interface/asking';
import { Header } from './interface/header';
import { Notices, type Notice } from './interface/notices';
import { OperatingContext, type Operating } from './operating';
import { readRoute, type Route } from './route';
import { AuditLog } from './views/audit';
import { Instances } from './views/instances';
import { Links } from './views/links';
import { Nodes } from './views/nodes';
import { Overview } from './views/overview';
import { Queues } from './views/queues';
import { Sessions } from './views/sessions';

const REFUSED = 'The service no longer takes this admin key. Sign in with the one that holds now.';

interface Properties {
    readonly base: string;
    readonly credentials: Credentials;
    readonly leave: (why: string | null) => void;
}

export function Console({ base, credentials, leave }: Properties) {
    const [health, setHealth] = useState<Health>({ heard: null, trouble: null });
    const [asked, setAsked] = useState<Asked | null>(null);
    const [notices, setNotices] = useState<readonly Notice[]>([]);
    const route = useRoute();
    const service = useMemo(
        () =>
            new Service(new Client(base, credentials), setHealth, () => {
                leave(REFUSED);
            }),
        [base, credentials, leave]
    );
    useVisibility(service);

    const say = useCallback((text: string, good: boolean) => {
        setNotices((before) => [
            ...before.slice(-3),
            { id: crypto.getRandomValues(new Uint32Array(1))[0] ?? 0, text, good }
        ]);
    }, []);
    const operating = useMemo<Operating>(() => {
        const tell = (text: string): void => {
            say(text, true);
        };
        const complain = (error: unknown): void => {
            if (error instanceof Unauthorized) {
                leave(REFUSED);
                return;
            }
            say(wordsOf(error), false);
        };
        const ask = (wanted: Asked): void => {
            const action = actionOf(wanted);
            if (action.hurts || action.fields.length > 0) {
                setAsked(wanted);
                return;
            }
            const choice = { ...USUAL, ...action.usual };
            void action.carryOut(service.client, choice).then(() => {
                tell(action.done(choice));
                service.refresh();
            }, complain);
        };
        return { service, ask, tell, complain };
    }, [service, say, leave]);

    return (
        <OperatingContext.Provider value={operating}>
            <Header
                view={route.view}
                health={health}
                name={credentials.name}
                leave={() => {
                    leave(null);
                }}
            />
            <main id="main" tabIndex={-1}>
                <Shown route={route} />
            </main>
            <Notices
                notices={notices}
                dismiss={(id) => {
                    setNotices((all) => all.filter((each) => each.id !== id));
                }}
            />
            {asked === null ? null : (
                <Asking
                    key={JSON.stringify(asked)}
                    asked={asked}
                    close={() => {
                        setAsked(null);
                    }}
                />
            )}
        </OperatingContext.Provider>
    );
}

function Shown({ route }: { readonly route: Route }) {
    switch (route.view) {
        case 'overview':
            return <Overview />;
        case 'sessions':
            return <Sessions filter={route.filter} />;
        case 'queue':
            return <Queues />;
        case 'instances':
            return <Instances filter={route.filter} />;
        case 'nodes':
            return <Nodes />;
        case 'links':
            return <Links />;
        case 'audit':
            return <AuditLog />;
    }
}

function useRoute(): Route {
    const [route, setRoute] = useState(readRoute(location.hash));
    const view = useRef(route.view);
    useEffect(() => {
        const follow = (): void => {
            const next = readRoute(location.hash);
            setRoute(next);
            if (next.view !== view.current) {
                view.current = next.view;
                window.scrollTo(0, 0);
                // A screen reader begins at the new view, as after a click on a link to another page.
                document.getElementById('main')?.focus({ preventScroll: true });
            }
        };
        addEventListener('hashchange', follow);
        return () => {
            removeEventListener('hashchange', follow);
        };
    }, []);
    return route;
}

function useVisibility(service: Service): void {
    useEffect(() => {
        const follow = (): void => {
            service.setHidden(document.visibilityState === 'hidden');
        };
        document.addEventListener('visibilitychange', follow);
        return () => {
            document.removeEventListener('visibilitychange', follow);
            service.stop();
        };
    }, [service]);
}
