/** What was done through the API, by whom; the newest first. */
import { useEffect, useState } from 'preact/hooks';
import { AUDIT_PAGE } from '../api/service';
import type { AuditEntry } from '../api/types';
import { Badge, Loading, Name } from '../interface/small';
import { Table, type Column } from '../interface/table';
import { continued, NOTHING, oldest, renewed } from '../model/audit';
import { deed, details, moment } from '../model/words';
import { useOperating, useWatched } from '../operating';

export function AuditLog() {
    const { service, complain } = useOperating();
    const newest = useWatched(service.audit);
    const [read, setRead] = useState(NOTHING);
    useEffect(() => {
        if (newest !== null) {
            // The log grows at its head meanwhile: what was the newest page is kept.
            setRead((before) => renewed(before, newest));
        }
    }, [newest]);
    const more = async (): Promise<void> => {
        const after = oldest(read);
        try {
            const page = await service.client.get('/api/v1/audit', {}, { limit: String(AUDIT_PAGE), after });
            setRead((before) => continued(before, after, page));
        } catch (error) {
            complain(error);
        }
    };
    return (
        <>
            <h1>Audit log</h1>
            {newest === null ? (
                <Loading />
            ) : (
                <Table
                    caption="Audit log"
                    rows={read.entries}
                    columns={COLUMNS}
                    keyOf={(entry) => entry.id}
                    order={{ by: 'at', descending: true }}
                    of={['entry', 'entries']}
                    empty="Nothing has been done yet."
                />
            )}
            {read.whole || read.entries.length < AUDIT_PAGE ? null : (
                <button
                    type="button"
                    class="button"
                    onClick={() => {
                        void more();
                    }}
                >
                    Load older entries
                </button>
            )}
        </>
    );
}

const COLUMNS: readonly Column<AuditEntry>[] = [
    {
        key: 'at',
        name: 'When',
        value: (entry) => Date.parse(entry.at),
        cell: (entry) => <time dateTime={entry.at}>{moment(Date.parse(entry.at))}</time>
    },
    {
        key: 'operator',
        name: 'Who, as they say',
        value: (entry) => entry.operator || null,
        cell: (entry) => entry.operator || <span class="quiet">nobody said</span>
    },
    { key: 'action', name: 'What', value: (entry) => deed(entry.action), cell: (entry) => deed(entry.action) },
    { key: 'target', name: 'Of', value: (entry) => entry.target, cell: (entry) => <Name>{entry.target}</Name> },
    { key: 'details', name: 'Details', cell: (entry) => <span class="quiet">{details(entry.details) || '–'}</span> },
    {
        key: 'status',
        name: 'Answer',
        value: (entry) => entry.status,
        cell: (entry) => (
            <Badge tone={entry.status < 400 ? 'good' : 'poor'}>
                {entry.status < 400 ? 'Done' : 'Refused'} {entry.status}
            </Badge>
        )
    },
    { key: 'credential', name: 'Key', value: (entry) => entry.credential, cell: (entry) => entry.credential },
    { key: 'address', name: 'From', value: (entry) => entry.address, cell: (entry) => <Name>{entry.address}</Name> }
];
