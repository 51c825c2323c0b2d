/** Who waits for what, in the order in which they are served. */
import type { Queue, Waiting } from '../api/types';
import { Loading, Name, Since } from '../interface/small';
import { Table, type Column } from '../interface/table';
import { age } from '../model/sorting';
import { counted, lasting } from '../model/words';
import { useNow, useOperating, useWatched, type Operating } from '../operating';

export function Queues() {
    const { service, ask } = useOperating();
    const queues = useWatched(service.queues);
    const now = useNow(1);
    return (
        <>
            <h1>Queue</h1>
            {queues === null ? (
                <Loading />
            ) : (
                queues.map((queue) => <OfApplication key={queue.application} queue={queue} now={now} ask={ask} />)
            )}
        </>
    );
}

interface Properties {
    readonly queue: Queue;
    readonly now: number;
    readonly ask: Operating['ask'];
}

function OfApplication({ queue, now, ask }: Properties) {
    const id = `queue-${queue.application}`;
    return (
        <section class="card" aria-labelledby={id}>
            <header class="card-head">
                <h2 id={id}>{queue.application}</h2>
                <span class="quiet">{counted(queue.waiting, 'player waits', 'players wait')}</span>
            </header>
            <Table
                caption={`Queue of ${queue.application}`}
                rows={queue.items}
                columns={columns(now, ask)}
                keyOf={(waiting) => waiting.session}
                order={{ by: 'position', descending: false }}
                of={['player', 'players']}
                empty="Nobody waits."
            />
        </section>
    );
}

function columns(now: number, ask: Operating['ask']): Column<Waiting>[] {
    const joined = (waiting: Waiting): number | null => (waiting.joined === null ? null : Date.parse(waiting.joined));
    return [
        {
            key: 'position',
            name: 'Position',
            numeric: true,
            value: (waiting) => waiting.position,
            cell: (waiting) => waiting.position
        },
        {
            key: 'session',
            name: 'Session',
            value: (waiting) => waiting.session,
            cell: (waiting) => <Name>{waiting.session}</Name>
        },
        {
            key: 'priority',
            name: 'Priority',
            numeric: true,
            value: (waiting) => waiting.priority,
            cell: (waiting) => waiting.priority
        },
        {
            key: 'joined',
            name: 'Has waited',
            numeric: true,
            value: (waiting) => age(joined(waiting)),
            cell: (waiting) => <Since at={joined(waiting)} now={now} />
        },
        {
            key: 'estimate',
            name: 'Expected wait',
            numeric: true,
            value: (waiting) => waiting.estimate_seconds,
            cell: (waiting) =>
                waiting.estimate_seconds === null ? <span class="quiet">–</span> : lasting(waiting.estimate_seconds)
        },
        {
            key: 'actions',
            name: '',
            cell: (waiting) => (
                <button
                    type="button"
                    class="button small"
                    onClick={() => {
                        ask({ kind: 'dismiss', session: waiting.session, who: `number ${waiting.position}` });
                    }}
                >
                    Take out…<span class="visually-hidden"> number {waiting.position}</span>
                </button>
            )
        }
    ];
}
