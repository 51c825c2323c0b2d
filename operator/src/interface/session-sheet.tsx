/** Everything of one session, at the side. */
import type { Player } from '../api/types';
import { qualityOf, type Quality } from '../model/quality';
import type { Row } from '../model/sessions';
import { megabits, milliseconds, moment, percent, SESSION_STATES, VERDICTS } from '../model/words';
import { useNow, useOperating } from '../operating';
import { Dialog } from './dialog';
import { Icon } from './icon';
import { Badge, Name, Since } from './small';

/** Who a session belongs to. */
export function whoWords(row: Row): string {
    return row.who === '' ? 'Somebody' : row.who;
}

export function SessionSheet({ row, close }: { readonly row: Row; readonly close: () => void }) {
    const { ask } = useOperating();
    const now = useNow(1);
    const { session } = row;
    return (
        <Dialog title={whoWords(row)} kind="sheet" close={close}>
            <dl class="facts">
                <Fact name="Session">
                    <Name>{session.id}</Name>
                </Fact>
                <Fact name="State">{SESSION_STATES[row.state]}</Fact>
                <Fact name="Application">
                    {session.application} {session.version}
                </Fact>
                <Fact name="Instance">
                    <Name>{session.instance}</Name>
                </Fact>
                <Fact name="Node">
                    <Name>{session.node}</Name>
                </Fact>
                <Fact name="GPU">{row.gpu ?? '–'}</Fact>
                <Fact name="Priority">{session.priority}</Fact>
                <Fact name={session.started === null ? 'Waiting since' : 'Since'}>
                    {row.since === null ? '–' : moment(row.since)}
                </Fact>
            </dl>
            <h3>Who takes part</h3>
            {row.players === null || row.players.length === 0 ? (
                <p class="quiet">
                    {session.instance === null ? 'Nobody yet: it waits.' : 'Its instance has not said.'}
                </p>
            ) : (
                <ul class="players">
                    {row.players.map((player) => (
                        <Participant key={player.player} player={player} now={now} />
                    ))}
                </ul>
            )}
            <div class="actions">
                <button
                    type="button"
                    class="button danger"
                    onClick={() => {
                        close();
                        ask({ kind: row.state === 'queued' ? 'dismiss' : 'end', session: row.id, who: whoWords(row) });
                    }}
                >
                    {row.state === 'queued' ? 'Take out of the queue…' : 'End session…'}
                </button>
            </div>
        </Dialog>
    );
}

function Fact({ name, children }: { readonly name: string; readonly children: preact.ComponentChildren }) {
    return (
        <div>
            <dt>{name}</dt>
            <dd>{children}</dd>
        </div>
    );
}

function Participant({ player, now }: { readonly player: Player; readonly now: number }) {
    const quality = qualityOf(player);
    const owner = player.role === 'owner';
    return (
        <li>
            <p class="player">
                <Icon name={owner ? 'person' : 'eye'} />
                <span>{owner ? 'Plays' : 'Watches'}</span>
                <Badge tone={player.connected ? 'good' : 'fair'}>{player.connected ? 'Connected' : 'Away'}</Badge>
                <span class="quiet end">
                    <Since at={player.since === null ? null : Date.parse(player.since)} now={now} />
                </span>
            </p>
            {quality === null ? (
                <p class="quiet">Reports nothing of its picture.</p>
            ) : (
                <dl class="facts">
                    {figures(quality).map(([name, value]) => (
                        <Fact key={name} name={name}>
                            {value}
                        </Fact>
                    ))}
                </dl>
            )}
        </li>
    );
}

function figures(quality: Quality): [string, string][] {
    const said = (value: number | null, words: (value: number) => string): string =>
        value === null ? '–' : words(value);
    const seconds = (value: number): string => `${value.toLocaleString('en', { maximumFractionDigits: 1 })} s`;
    const way = quality.relayed === null ? '–' : quality.relayed ? `through ${quality.turn ?? 'a relay'}` : 'direct';
    return [
        ['Picture', VERDICTS[quality.verdict]],
        ['Frames per second', said(quality.framesPerSecond, (value) => String(Math.round(value)))],
        ['Data rate', said(quality.bitrate, megabits)],
        ['Round trip', said(quality.roundTripSeconds, milliseconds)],
        ['Jitter', said(quality.jitterSeconds, milliseconds)],
        ['Lost packets', said(quality.loss, percent)],
        ['Freezes', said(quality.freezes, String)],
        ['Frozen for', said(quality.freezeSeconds, seconds)],
        ['First picture after', said(quality.firstFrameSeconds, seconds)],
        ['Way', quality.protocol === null ? way : `${way} (${quality.protocol.toUpperCase()})`]
    ];
}
