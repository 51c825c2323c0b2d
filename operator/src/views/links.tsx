/** Makes a link that stands for a login, once. */
import { useState } from 'preact/hooks';
import type { LinkCreated } from '../api/types';
import { Icon } from '../interface/icon';
import { Loading } from '../interface/small';
import { moment } from '../model/words';
import { useOperating, useWatched } from '../operating';

const UNITS = { minutes: 60, hours: 3600, days: 86_400 } as const;
type Unit = keyof typeof UNITS;

interface Wanted {
    readonly application: string;
    readonly subject: string;
    readonly priority: number;
    readonly maxMinutes: number;
    readonly valid: number;
    readonly unit: Unit;
}

const USUAL: Wanted = { application: '', subject: '', priority: 0, maxMinutes: 0, valid: 1, unit: 'hours' };
const LONGEST_SECONDS = 30 * UNITS.days;

export function Links() {
    const { service, complain } = useOperating();
    const applications = useWatched(service.applications);
    const [wanted, setWanted] = useState(USUAL);
    const [made, setMade] = useState<LinkCreated | null>(null);
    const [busy, setBusy] = useState(false);
    if (applications === null) {
        return (
            <>
                <h1>Links</h1>
                <Loading />
            </>
        );
    }
    const application = wanted.application || (applications[0]?.name ?? '');
    const change = (part: Partial<Wanted>): void => {
        setWanted({ ...wanted, ...part });
    };
    const make = async (): Promise<void> => {
        setBusy(true);
        const { subject, priority } = wanted;
        const [max_seconds, valid_seconds] = [wanted.maxMinutes * 60, wanted.valid * UNITS[wanted.unit]];
        try {
            setMade(
                await service.client.post(
                    '/api/v1/tickets',
                    {},
                    { application, subject, priority, max_seconds, valid_seconds }
                )
            );
            service.refresh();
        } catch (error) {
            complain(error);
        }
        setBusy(false);
    };
    return (
        <>
            <h1>Links</h1>
            <section class="card narrow" aria-labelledby="link">
                <h2 id="link">Make a link</h2>
                <p class="quiet">
                    Whoever opens it is let in without a login, once. Only the browser that used it comes back with it.
                </p>
                <form
                    class="form"
                    onSubmit={(event) => {
                        event.preventDefault();
                        void make();
                    }}
                >
                    <label class="field">
                        <span>Application</span>
                        <select
                            value={application}
                            onChange={(event) => {
                                change({ application: event.currentTarget.value });
                            }}
                        >
                            {applications.map((each) => (
                                <option key={each.name} value={each.name}>
                                    {each.name}
                                </option>
                            ))}
                        </select>
                    </label>
                    <label class="field">
                        <span>For whom</span>
                        <input
                            type="text"
                            maxLength={256}
                            placeholder="Nobody in particular"
                            value={wanted.subject}
                            onInput={(event) => {
                                change({ subject: event.currentTarget.value });
                            }}
                        />
                        <small>Stands beside the session here, in usage and in webhooks.</small>
                    </label>
                    <NumberField
                        name="Priority in the queue"
                        hint="From -1000 to 1000; the higher is served earlier."
                        value={wanted.priority}
                        least={-1000}
                        most={1000}
                        change={(priority) => {
                            change({ priority });
                        }}
                    />
                    <NumberField
                        name="Longest session, in minutes"
                        hint="0: as the application has it."
                        value={wanted.maxMinutes}
                        least={0}
                        most={10_080}
                        change={(maxMinutes) => {
                            change({ maxMinutes });
                        }}
                    />
                    <div class="together">
                        <NumberField
                            name="Can be used for"
                            value={wanted.valid}
                            least={1}
                            most={Math.floor(LONGEST_SECONDS / UNITS[wanted.unit])}
                            change={(valid) => {
                                change({ valid });
                            }}
                        />
                        <label class="field">
                            <span class="visually-hidden">Unit of that time</span>
                            <select
                                value={wanted.unit}
                                onChange={(event) => {
                                    change({ unit: event.currentTarget.value as Unit });
                                }}
                            >
                                {Object.keys(UNITS).map((unit) => (
                                    <option key={unit} value={unit}>
                                        {unit}
                                    </option>
                                ))}
                            </select>
                        </label>
                    </div>
                    <button type="submit" class="button primary" disabled={busy || application === ''}>
                        Make link
                    </button>
                </form>
                {made === null ? null : <Made made={made} />}
            </section>
        </>
    );
}

interface NumberProperties {
    readonly name: string;
    readonly hint?: string;
    readonly value: number;
    readonly least: number;
    readonly most: number;
    readonly change: (value: number) => void;
}

function NumberField({ name, hint, value, least, most, change }: NumberProperties) {
    return (
        <label class="field">
            <span>{name}</span>
            <input
                type="number"
                min={least}
                max={most}
                step={1}
                required
                value={value}
                onInput={(event) => {
                    change(event.currentTarget.valueAsNumber);
                }}
            />
            {hint === undefined ? null : <small>{hint}</small>}
        </label>
    );
}

function Made({ made }: { readonly made: LinkCreated }) {
    const { tell } = useOperating();
    const link = made.url ?? made.path;
    const [field, setField] = useState<HTMLInputElement | null>(null);
    const copy = async (): Promise<void> => {
        try {
            await navigator.clipboard.writeText(link);
            tell('The link is copied.');
        } catch {
            // Without a secure connection a page may not write there: the person can.
            field?.focus();
            field?.select();
            tell('Copy the marked link.');
        }
    };
    return (
        <div class="made" role="status">
            <label class="field">
                <span>The link</span>
                <input
                    ref={setField}
                    type="text"
                    readOnly
                    value={link}
                    onFocus={(event) => {
                        event.currentTarget.select();
                    }}
                />
                <small>
                    It can be used until {moment(Date.parse(made.expires))}.
                    {made.url === null
                        ? ' Put the address of the player page before it: this stack has no domain.'
                        : ''}
                </small>
            </label>
            <button
                type="button"
                class="button"
                onClick={() => {
                    void copy();
                }}
            >
                <Icon name="copy" /> Copy link
            </button>
        </div>
    );
}
