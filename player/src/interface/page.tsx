/** Everything over and around the stage. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import type { Do, View } from '../view';
import { words } from '../words';
import { Notices, Presence } from './notices';
import { People } from './people';
import { Screen } from './screen';
import { Settings } from './settings';
import { StatisticsOverlay } from './statistics';
import { AskedText, LiveText } from './text-input';
import { Toolbar, type PanelName } from './toolbar';

export function Page({ view, act }: { readonly view: View; readonly act: Do }) {
    const [panel, setPanel] = useState<PanelName | null>(null);
    const playing = view.session.stage.kind === 'playing';
    const close = useCallback(() => {
        setPanel(null);
        act({ kind: 'close-invitation' });
        act({ kind: 'close-text' });
        act({ kind: 'focus-stage' });
    }, [act]);
    useEffect(() => {
        if (!playing) {
            setPanel(null);
        }
    }, [playing]);
    return (
        <>
            <Announcement view={view} />
            {playing ? (
                <>
                    <Toolbar view={view} act={act} open={setPanel} />
                    <Presence
                        view={view}
                        act={act}
                        open={() => {
                            setPanel('people');
                        }}
                    />
                    <Notices view={view} act={act} />
                    {view.preferences.statistics ? <StatisticsOverlay view={view} act={act} /> : null}
                </>
            ) : (
                <Screen view={view} act={act} />
            )}
            {panel === 'settings' ? <Settings view={view} act={act} close={close} /> : null}
            {panel === 'people' ? <People view={view} act={act} close={close} /> : null}
            {view.session.textWanted !== null ? (
                <AskedText view={view} act={act} close={close} />
            ) : panel === 'text' ? (
                <LiveText view={view} act={act} close={close} />
            ) : null}
        </>
    );
}

/** What a screen reader says when something changes; the eye sees it elsewhere. */
function Announcement({ view }: { readonly view: View }) {
    const { session, texts } = view;
    const { title, detail } = words(session.stage, texts, view.canLogIn);
    const said = session.lost
        ? texts.reconnecting
        : session.mending
          ? texts.mending
          : view.freed > 0 &&
              document.activeElement !== document.getElementById('stage') &&
              session.stage.kind === 'playing'
            ? texts.stage.released
            : [title, detail].filter((each) => each !== '').join('. ');
    return (
        <p class="visually-hidden" role="status" aria-live="polite" aria-atomic="true">
            {said}
        </p>
    );
}
