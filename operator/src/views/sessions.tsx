/** Who plays: everything of each session, found by name, application, state or quality; and how to end one. */
import { useState } from 'preact/hooks';
import { Icon } from '../interface/icon';
import { SessionSheet, whoWords } from '../interface/session-sheet';
import { Badge, Loading, Name, Since, type Tone } from '../interface/small';
import { Table, type Column } from '../interface/table';
import { age } from '../model/sorting';
import { badness, type Quality } from '../model/quality';
import { filtered, rowsOf, type Filter, type Row } from '../model/sessions';
import { counted, megabits, milliseconds, SESSION_STATES, VERDICTS } from '../model/words';
import { useNow, useOperating, useWatched, type Operating } from '../operating';
import { linkTo } from '../route';

export const STATE_TONES: Readonly<Record<Row['state'], Tone>> = {
    queued: 'busy',
    starting: 'busy',
    running: 'good',
    away: 'fair',
    ending: 'fair'
};

export function Sessions({ filter }: { readonly filter: Filter }) {
    const { service, ask } = useOperating();
    const sessions = useWatched(service.sessions);
    const played = useWatched(service.played);
    const nodes = useWatched(service.nodes);
    const now = useNow(5);
    const [open, setOpen] = useState<string | null>(null);
    const rows = sessions === null ? null : rowsOf(sessions, played, nodes);
    const shown = rows === null ? [] : filtered(rows, filter);
    const opened = rows?.find((row) => row.id === open);
    return (
        <>
            <h1>Sessions</h1>
            {rows === null ? (
                <Loading />
            ) : (
                <>
                    <Filters filter={filter} rows={rows} shown={shown.length} />
                    <Table
                        caption="Sessions"
                        rows={shown}
                        columns={columns(now, setOpen, ask)}
                        keyOf={(row) => row.id}
                        order={{ by: 'since', descending: false }}
                        of={['session', 'sessions']}
                        empty={rows.length === 0 ? 'Nobody plays, and nobody waits.' : 'No session is like that.'}
                    />
                </>
            )}
            {opened === undefined ? null : (
                <SessionSheet
                    row={opened}
                    close={() => {
                        setOpen(null);
                    }}
                />
            )}
        </>
    );
}

interface FiltersProperties {
    readonly filter: Filter;
    readonly rows: readonly Row[];
    readonly shown: number;
}

function Filters({ filter, rows, shown }: FiltersProperties) {
    const change = (part: Partial<Filter>): void => {
        // In the place of this entry of the tab's history: going back leaves the view.
        location.replace(linkTo('sessions', { ...filter, ...part }));
    };
    const applications = [...new Set(rows.map((row) => row.session.application))].sort();
    return (
        <form
            class="filters"
            role="search"
            aria-label="Sessions"
            onSubmit={(event) => {
                event.preventDefault();
            }}
        >
            <label class="search">
                <span class="visually-hidden">Find by name, session, instance or node</span>
                <Icon name="search" />
                <input
                    type="search"
                    placeholder="Name, session, instance, node"
                    value={filter.text}
                    onInput={(event) => {
                        change({ text: event.currentTarget.value });
                    }}
                />
            </label>
            <Choice
                name="Application"
                value={filter.application}
                options={applications.map((name) => [name, name])}
                choose={(application) => {
                    change({ application });
                }}
            />
            <Choice
                name="State"
                value={filter.state}
                options={Object.entries(SESSION_STATES)}
                choose={(state) => {
                    change({ state: state as Filter['state'] });
                }}
            />
            <Choice
                name="Picture"
                value={filter.quality}
                options={Object.entries(VERDICTS)}
                choose={(quality) => {
                    change({ quality: quality as Filter['quality'] });
                }}
            />
            <span class="filters-count" role="status">
                {shown === rows.length
                    ? counted(shown, 'session', 'sessions')
                    : `${shown} of ${counted(rows.length, 'session', 'sessions')}`}
            </span>
        </form>
    );
}

interface ChoiceProperties {
    readonly name: string;
    readonly value: string;
    readonly options: readonly (readonly [string, string])[];
    readonly choose: (value: string) => void;
}

export function Choice({ name, value, options, choose }: ChoiceProperties) {
    return (
        <label class="choice">
            <span>{name}</span>
            <select
                value={value}
                onChange={(event) => {
                    choose(event.currentTarget.value);
                }}
            >
                <option value="">Any</option>
                {options.map(([key, words]) => (
                    <option key={key} value={key}>
                        {words}
                    </option>
                ))}
            </select>
        </label>
    );
}

function columns(now: number, open: (id: string) => void, ask: Operating['ask']): Column<Row>[] {
    return [
        {
            key: 'who',
            name: 'Who',
            value: (row) => (row.who === '' ? null : row.who),
            cell: (row) => (
                <button
                    type="button"
                    class="who"
                    onClick={() => {
                        open(row.id);
                    }}
                >
                    <span>{whoWords(row)}</span>
                    <code class="name">{row.id.slice(0, 8)}</code>
                </button>
            )
        },
        {
            key: 'application',
            name: 'Application',
            value: (row) => `${row.session.application} ${row.session.version ?? ''}`,
            cell: (row) => (
                <>
                    {row.session.application} <span class="quiet">{row.session.version}</span>
                </>
            )
        },
        {
            key: 'state',
            name: 'State',
            value: (row) => SESSION_STATES[row.state],
            cell: (row) => (
                <Badge tone={STATE_TONES[row.state]}>
                    {SESSION_STATES[row.state]}
                    {row.session.position === null ? '' : ` · ${row.session.position}`}
                </Badge>
            )
        },
        {
            key: 'instance',
            name: 'Instance',
            value: (row) => row.session.instance,
            cell: (row) => <Name>{row.session.instance}</Name>
        },
        {
            key: 'node',
            name: 'Node',
            value: (row) => row.session.node,
            cell: (row) => <Name>{row.session.node}</Name>
        },
        { key: 'gpu', name: 'GPU', value: (row) => row.gpu, cell: (row) => row.gpu ?? <span class="quiet">–</span> },
        {
            key: 'quality',
            name: 'Picture',
            value: (row) => badness(row.quality),
            cell: (row) => <QualityCell quality={row.quality} />
        },
        {
            key: 'spectators',
            name: 'Watching',
            numeric: true,
            value: (row) => row.spectators,
            cell: (row) => row.spectators
        },
        {
            key: 'since',
            name: 'Since',
            numeric: true,
            value: (row) => age(row.since),
            cell: (row) => <Since at={row.since} now={now} />
        },
        {
            key: 'actions',
            name: '',
            cell: (row) => (
                <button
                    type="button"
                    class="button small"
                    onClick={() => {
                        const kind = row.state === 'queued' ? 'dismiss' : 'end';
                        ask({ kind, session: row.id, who: whoWords(row) });
                    }}
                >
                    {row.state === 'queued' ? 'Take out…' : 'End…'}
                    <span class="visually-hidden"> {whoWords(row)}</span>
                </button>
            )
        }
    ];
}

function QualityCell({ quality }: { readonly quality: Quality | null }) {
    if (quality === null) {
        return <span class="quiet">–</span>;
    }
    const { framesPerSecond, bitrate, roundTripSeconds } = quality;
    const figures = [
        framesPerSecond === null ? null : `${Math.round(framesPerSecond)} fps`,
        bitrate === null ? null : megabits(bitrate),
        roundTripSeconds === null ? null : milliseconds(roundTripSeconds)
    ].filter((each) => each !== null);
    return (
        <span class="quality">
            <Badge tone={quality.verdict}>{VERDICTS[quality.verdict]}</Badge>
            <span class="figures">{figures.join(' · ')}</span>
        </span>
    );
}
