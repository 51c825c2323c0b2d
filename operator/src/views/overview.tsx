/** All at a glance: how many, what needs looking at, and each application's versions with their buffers. */
import type { Application, Fleet } from '../api/types';
import { Icon } from '../interface/icon';
import { Badge, BufferBar, Loading } from '../interface/small';
import { Table, type Column } from '../interface/table';
import { attention, bufferOf, type Attention } from '../model/attention';
import { rowsOf } from '../model/sessions';
import { useOperating, useWatched } from '../operating';
import { linkTo, type View } from '../route';

export function Overview() {
    const { service } = useOperating();
    const applications = useWatched(service.applications);
    const sessions = useWatched(service.sessions);
    const played = useWatched(service.played);
    const nodes = useWatched(service.nodes);
    const turnNodes = useWatched(service.turnNodes);
    if (applications === null || sessions === null || nodes === null || turnNodes === null) {
        return (
            <>
                <h1>Overview</h1>
                <Loading />
            </>
        );
    }
    const rows = rowsOf(sessions, played, nodes);
    const fleets = applications.flatMap((each) => each.fleets.map(bufferOf));
    const sum = (numbers: number[]): number => numbers.reduce((total, each) => total + each, 0);
    const gpu = nodes.filter((node) => node.pools.includes('gpu'));
    return (
        <>
            <h1>Overview</h1>
            <ul class="tiles">
                <Tile view="sessions" name="Sessions" value={rows.filter((row) => row.state !== 'queued').length} />
                <Tile view="sessions" name="Spectators" value={sum(rows.map((row) => row.spectators))} />
                <Tile view="queue" name="Waiting" value={sum(applications.map((each) => each.waiting))} />
                <Tile
                    view="instances"
                    name="Instances ready"
                    value={sum(fleets.map((each) => each.ready))}
                    of={sum(fleets.map((each) => each.target))}
                />
                <Tile view="nodes" name="GPU nodes" value={gpu.filter((node) => node.ready).length} of={gpu.length} />
                <Tile
                    view="nodes"
                    name="TURN nodes"
                    value={turnNodes.filter((node) => node.offered).length}
                    of={turnNodes.length}
                />
            </ul>
            <ToLookAt found={attention({ applications, rows, nodes, turnNodes })} />
            {applications.map((application) => (
                <ApplicationCard key={application.name} application={application} />
            ))}
        </>
    );
}

interface TileProperties {
    readonly view: View;
    readonly name: string;
    readonly value: number;
    /** How many there should be. */
    readonly of?: number;
}

function Tile({ view, name, value, of }: TileProperties) {
    return (
        <li>
            <a class="tile" href={linkTo(view)}>
                <span class="tile-value">
                    {value.toLocaleString('en')}
                    {of === undefined ? null : <span class="tile-of"> of {of.toLocaleString('en')}</span>}
                </span>
                <span class="tile-name">{name}</span>
            </a>
        </li>
    );
}

function ToLookAt({ found }: { readonly found: readonly Attention[] }) {
    if (found.length === 0) {
        return (
            <p class="all-well">
                <Icon name="done" /> Nothing needs looking at.
            </p>
        );
    }
    return (
        <section class="card" aria-labelledby="attention">
            <h2 id="attention">To look at</h2>
            <ul class="attention">
                {found.map((each) => (
                    <li key={each.key} data-serious={each.serious}>
                        <Icon name={each.serious ? 'alert' : 'info'} />
                        {each.link === null ? each.text : <a href={each.link}>{each.text}</a>}
                    </li>
                ))}
            </ul>
        </section>
    );
}

function ApplicationCard({ application }: { readonly application: Application }) {
    const { ask } = useOperating();
    const { name, paused, waiting, fleets } = application;
    const id = `application-${name}`;
    return (
        <section class="card" aria-labelledby={id}>
            <header class="card-head">
                <h2 id={id}>{name}</h2>
                {paused ? <Badge tone="fair">Paused</Badge> : null}
                <a class="quiet" href={linkTo('queue')}>
                    {waiting} waiting
                </a>
                <button
                    type="button"
                    class="button small end"
                    onClick={() => {
                        ask({ kind: paused ? 'resume' : 'pause', application: name });
                    }}
                >
                    {paused ? 'Resume' : 'Pause…'} <span class="visually-hidden">{name}</span>
                </button>
            </header>
            <Table
                caption={`Versions of ${name}`}
                rows={fleets}
                columns={columns(name, ask)}
                keyOf={(fleet) => fleet.name}
                order={{ by: 'version', descending: false }}
                of={['version', 'versions']}
                empty="It has no fleet: nobody gets in. The stack file names its versions."
            />
        </section>
    );
}

function columns(application: string, ask: ReturnType<typeof useOperating>['ask']): Column<Fleet>[] {
    return [
        {
            key: 'version',
            name: 'Version',
            value: (fleet) => fleet.version,
            cell: (fleet) => (
                <>
                    <strong>{fleet.version}</strong> {fleet.drained ? <Badge tone="fair">Drained</Badge> : null}
                    {fleet.rolled_back === null ? null : (
                        <span title={fleet.rolled_back}>
                            <Badge tone="poor">Rolled back</Badge>
                        </span>
                    )}
                </>
            )
        },
        { key: 'weight', name: 'Weight', numeric: true, value: (fleet) => fleet.weight, cell: (fleet) => fleet.weight },
        {
            key: 'sessions',
            name: 'Sessions',
            numeric: true,
            value: (fleet) => fleet.sessions,
            cell: (fleet) => (
                <a href={linkTo('sessions', { application, text: fleet.version })}>
                    {fleet.sessions.toLocaleString('en')}
                </a>
            )
        },
        {
            key: 'buffer',
            name: 'Buffer',
            value: (fleet) => fleet.idle,
            cell: (fleet) => {
                const buffer = bufferOf(fleet);
                return (
                    <span class="buffer-cell">
                        <BufferBar buffer={buffer} />
                        {buffer.overridden ? <Badge tone="busy">Changed</Badge> : null}
                    </span>
                );
            }
        },
        {
            key: 'actions',
            name: '',
            cell: (fleet) => <FleetActions application={application} fleet={fleet} ask={ask} />
        }
    ];
}

interface FleetProperties {
    readonly application: string;
    readonly fleet: Fleet;
    readonly ask: ReturnType<typeof useOperating>['ask'];
}

function FleetActions({ application, fleet, ask }: FleetProperties) {
    const { version, sessions } = fleet;
    const { kept, overridden, target } = bufferOf(fleet);
    const which = <span class="visually-hidden"> of {version}</span>;
    return (
        <span class="row-actions">
            {kept ? (
                <button
                    type="button"
                    class="button small"
                    onClick={() => {
                        ask({ kind: 'buffer', application, version, target });
                    }}
                >
                    Buffer…{which}
                </button>
            ) : null}
            {overridden ? (
                <button
                    type="button"
                    class="button small"
                    onClick={() => {
                        ask({ kind: 'reset-buffer', application, version });
                    }}
                >
                    Give back{which}
                </button>
            ) : null}
            <button
                type="button"
                class="button small"
                onClick={() => {
                    ask(
                        fleet.drained
                            ? { kind: 'resume-version', application, version }
                            : { kind: 'drain-version', application, version, sessions }
                    );
                }}
            >
                {fleet.drained ? 'Resume' : 'Drain…'}
                <span class="visually-hidden"> {version}</span>
            </button>
        </span>
    );
}
