/** The pods of the fleets: what each does, where, and how to drain one. */
import { askedToDrain } from '../actions';
import type { Instance } from '../api/types';
import { Badge, Loading, Name, Since, type Tone } from '../interface/small';
import { Table, type Column } from '../interface/table';
import type { Filter } from '../model/sessions';
import { age } from '../model/sorting';
import { gpuWords, INSTANCE_STATES } from '../model/words';
import { useNow, useOperating, useWatched, type Operating } from '../operating';
import { linkTo } from '../route';
import { Choice } from './sessions';

const TONES: Readonly<Record<Instance['state'], Tone>> = {
    starting: 'busy',
    idle: 'good',
    session: 'plain',
    draining: 'fair',
    ending: 'fair'
};

export function Instances({ filter }: { readonly filter: Filter }) {
    const { service, ask } = useOperating();
    const instances = useWatched(service.instances);
    const nodes = useWatched(service.nodes);
    const now = useNow(5);
    const shapes = new Map((nodes ?? []).map((node) => [node.name, node.shape]));
    const applications = [...new Set((instances ?? []).map((each) => each.application))].sort();
    const shown = (instances ?? []).filter(
        (each) => filter.application === '' || each.application === filter.application
    );
    return (
        <>
            <h1>Instances</h1>
            {instances === null ? (
                <Loading />
            ) : (
                <>
                    <form class="filters" role="search" aria-label="Instances">
                        <Choice
                            name="Application"
                            value={filter.application}
                            options={applications.map((name) => [name, name])}
                            choose={(application) => {
                                location.replace(linkTo('instances', { ...filter, application }));
                            }}
                        />
                    </form>
                    <Table
                        caption="Instances"
                        rows={shown}
                        columns={columns(now, shapes, ask)}
                        keyOf={(instance) => instance.name}
                        order={{ by: 'name', descending: false }}
                        of={['instance', 'instances']}
                        empty="There is no instance."
                    />
                </>
            )}
        </>
    );
}

function columns(now: number, shapes: ReadonlyMap<string, string>, ask: Operating['ask']): Column<Instance>[] {
    const gpu = (each: Instance): string | null =>
        gpuWords(each.node === null ? '' : (shapes.get(each.node) ?? ''), each.gpu);
    const started = (each: Instance): number | null => (each.started === null ? null : Date.parse(each.started));
    return [
        { key: 'name', name: 'Instance', value: (each) => each.name, cell: (each) => <Name>{each.name}</Name> },
        {
            key: 'application',
            name: 'Application',
            value: (each) => `${each.application} ${each.version}`,
            cell: (each) => (
                <>
                    {each.application} <span class="quiet">{each.version}</span>
                </>
            )
        },
        {
            key: 'state',
            name: 'State',
            value: (each) => INSTANCE_STATES[each.state],
            cell: (each) => <Badge tone={TONES[each.state]}>{INSTANCE_STATES[each.state]}</Badge>
        },
        { key: 'node', name: 'Node', value: (each) => each.node, cell: (each) => <Name>{each.node}</Name> },
        { key: 'gpu', name: 'GPU', value: gpu, cell: (each) => gpu(each) ?? <span class="quiet">–</span> },
        {
            key: 'session',
            name: 'Session',
            value: (each) => each.session,
            cell: (each) =>
                each.session === null ? (
                    <span class="quiet">{each.players === null ? '–' : `${each.players} share it`}</span>
                ) : (
                    <a href={linkTo('sessions', { text: each.session })}>
                        <code class="name">{each.session.slice(0, 8)}</code>
                    </a>
                )
        },
        {
            key: 'started',
            name: 'Since',
            numeric: true,
            value: (each) => age(started(each)),
            cell: (each) => <Since at={started(each)} now={now} />
        },
        {
            key: 'actions',
            name: '',
            cell: (each) =>
                each.state === 'ending' || each.state === 'draining' ? null : (
                    <button
                        type="button"
                        class="button small"
                        onClick={() => {
                            ask(askedToDrain(each));
                        }}
                    >
                        Drain…<span class="visually-hidden"> {each.name}</span>
                    </button>
                )
        }
    ];
}
