/** Who takes part: invitations, requests for control and its hand-over. */
import { useState } from 'preact/hooks';
import { others } from '../state';
import { timeOf } from '../texts';
import type { Do, View } from '../view';
import { Dialog } from './dialog';

/** How a participant is called; nobody has told their name. */
export function nameOf(view: View, player: string): string {
    const { session, texts } = view;
    if (player === session.you) {
        return texts.people.you;
    }
    const number = session.players
        .filter((each) => each.player !== session.you)
        .findIndex((each) => each.player === player);
    return texts.people.guest(number + 1);
}

export function People({ view, act, close }: { readonly view: View; readonly act: Do; readonly close: () => void }) {
    const { session, texts } = view;
    const present = session.players.filter((each) => each.connected);
    return (
        <Dialog name="people" title={texts.people.title} texts={texts} close={close}>
            <ul class="people">
                {present.map(({ player, role }) => (
                    <li key={player}>
                        <span>{nameOf(view, player)}</span>
                        <span class="quiet">{texts.people[role]}</span>
                        {!view.watching && player !== session.you ? (
                            <button
                                type="button"
                                class="button quiet small"
                                aria-label={texts.people.handOverTo(nameOf(view, player))}
                                onClick={() => {
                                    act({ kind: 'hand-over', player });
                                }}
                            >
                                {texts.people.handOver}
                            </button>
                        ) : null}
                    </li>
                ))}
            </ul>
            {others(session).length === 0 ? <p class="quiet">{texts.people.nobody}</p> : null}
            {view.watching ? (
                <p>{session.asked ? texts.people.asked : texts.people.watching}</p>
            ) : (
                <Invitation view={view} act={act} />
            )}
        </Dialog>
    );
}

function Invitation({ view, act }: { readonly view: View; readonly act: Do }) {
    const { session, texts, now, invitation } = view;
    const [copied, setCopied] = useState('');
    if (session.invitation === null || invitation === null || session.invitation.until <= now) {
        return (
            <button
                type="button"
                class="button primary wide"
                onClick={() => {
                    act({ kind: 'invite' });
                }}
            >
                {texts.people.invite}
            </button>
        );
    }
    const copy = (): void => {
        void navigator.clipboard.writeText(invitation).then(
            () => {
                setCopied(invitation);
            },
            () => undefined
        );
    };
    const canShare = 'share' in navigator && view.touch;
    return (
        <div class="invitation">
            <label class="field">
                <span>{texts.people.link}</span>
                <input
                    type="text"
                    readOnly
                    value={invitation}
                    onFocus={(event) => {
                        event.currentTarget.select();
                    }}
                />
            </label>
            <p class="quiet">{texts.people.linkUse(timeOf(texts, (session.invitation.until - now) / 1000))}</p>
            <div class="actions">
                {view.secure ? (
                    <button type="button" class="button primary" onClick={copy}>
                        {copied === invitation ? texts.people.copied : texts.people.copy}
                    </button>
                ) : null}
                {canShare ? (
                    <button
                        type="button"
                        class="button quiet"
                        onClick={() => {
                            void navigator.share({ url: invitation }).catch(() => undefined);
                        }}
                    >
                        {texts.people.share}
                    </button>
                ) : null}
            </div>
        </div>
    );
}
