/** The cluster's nodes, and the TURN pool. */
import type { Node, TurnNode } from '../api/types';
import { Badge, Loading, Name, Since } from '../interface/small';
import { Table, type Column } from '../interface/table';
import { relayed, rowsOf } from '../model/sessions';
import { age } from '../model/sorting';
import { gpuWords } from '../model/words';
import { useNow, useOperating, useWatched } from '../operating';

export function Nodes() {
    const { service } = useOperating();
    const nodes = useWatched(service.nodes);
    const turnNodes = useWatched(service.turnNodes);
    const played = useWatched(service.played);
    const now = useNow(30);
    const relays = relayed(rowsOf(played ?? [], played, nodes));
    return (
        <>
            <h1>Nodes</h1>
            {nodes === null ? (
                <Loading />
            ) : (
                <Table
                    caption="Nodes"
                    rows={nodes}
                    columns={columns(now)}
                    keyOf={(node) => node.name}
                    order={{ by: 'name', descending: false }}
                    of={['node', 'nodes']}
                    empty="The cluster has no node."
                />
            )}
            <h2 class="section">TURN</h2>
            {turnNodes === null ? (
                <Loading />
            ) : (
                <Table
                    caption="TURN nodes"
                    rows={turnNodes}
                    columns={turnColumns(relays)}
                    keyOf={(node) => node.name}
                    order={{ by: 'name', descending: false }}
                    of={['node', 'nodes']}
                    empty="The TURN pool has no node: players behind most company networks see nothing."
                />
            )}
        </>
    );
}

function columns(now: number): Column<Node>[] {
    const created = (node: Node): number | null => (node.created === null ? null : Date.parse(node.created));
    return [
        { key: 'name', name: 'Node', value: (node) => node.name, cell: (node) => <Name>{node.name}</Name> },
        { key: 'pools', name: 'Pools', value: (node) => node.pools.join(' '), cell: (node) => node.pools.join(', ') },
        {
            key: 'state',
            name: 'State',
            value: (node) => stateOf(node)[1],
            cell: (node) => {
                const [tone, words] = stateOf(node);
                return <Badge tone={tone}>{words}</Badge>;
            }
        },
        { key: 'shape', name: 'Shape', value: (node) => node.shape, cell: (node) => <Name>{node.shape || null}</Name> },
        {
            key: 'gpus',
            name: 'GPU slots',
            numeric: true,
            value: (node) => node.gpus,
            cell: (node) => (
                <>
                    {node.gpus} <span class="quiet">{gpuWords(node.shape, null)}</span>
                </>
            )
        },
        {
            key: 'instances',
            name: 'Instances',
            numeric: true,
            value: (node) => node.instances,
            cell: (node) => node.instances
        },
        {
            key: 'sessions',
            name: 'Sessions',
            numeric: true,
            value: (node) => node.sessions,
            cell: (node) => node.sessions
        },
        { key: 'kubelet', name: 'Kubelet', value: (node) => node.kubelet, cell: (node) => node.kubelet },
        {
            key: 'created',
            name: 'Since',
            numeric: true,
            value: (node) => age(created(node)),
            cell: (node) => <Since at={created(node)} now={now} />
        }
    ];
}

function stateOf(node: Node): ['good' | 'fair' | 'poor', string] {
    if (!node.ready) {
        return ['poor', 'Not ready'];
    }
    return node.schedulable ? ['good', 'Ready'] : ['fair', 'Cordoned'];
}

function turnColumns(relays: ReadonlyMap<string, number>): Column<TurnNode>[] {
    const players = (node: TurnNode): number => (node.address === null ? 0 : (relays.get(node.address) ?? 0));
    return [
        { key: 'name', name: 'Node', value: (node) => node.name, cell: (node) => <Name>{node.name}</Name> },
        { key: 'address', name: 'Address', value: (node) => node.address, cell: (node) => <Name>{node.address}</Name> },
        {
            key: 'offered',
            name: 'Players are sent to it',
            value: (node) => Number(node.offered),
            cell: (node) => <Badge tone={node.offered ? 'good' : 'fair'}>{node.offered ? 'Yes' : 'No'}</Badge>
        },
        {
            key: 'players',
            name: 'Players relayed',
            numeric: true,
            value: players,
            cell: (node) => players(node)
        }
    ];
}
