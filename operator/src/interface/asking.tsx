/** Asks for what an action needs to know, and whether it is really meant. */
import { useState } from 'preact/hooks';
import { actionOf, LONGEST_WARNING, USUAL, type Action, type Asked, type Choice } from '../actions';
import { Unauthorized, wordsOf } from '../api/client';
import { useOperating } from '../operating';
import { Dialog } from './dialog';
import { Icon } from './icon';

interface Properties {
    readonly asked: Asked;
    readonly close: () => void;
}

const MOST_INSTANCES = 10_000;

export function Asking({ asked, close }: Properties) {
    const { service, tell, complain } = useOperating();
    const action = actionOf(asked);
    const [choice, setChoice] = useState<Choice>({ ...USUAL, ...action.usual });
    const [problem, setProblem] = useState<string | null>(null);
    const [busy, setBusy] = useState(false);
    const carryOut = async (): Promise<void> => {
        setBusy(true);
        try {
            await action.carryOut(service.client, choice);
            tell(action.done(choice));
            service.refresh();
            close();
        } catch (error) {
            if (error instanceof Unauthorized) {
                complain(error);
                return;
            }
            setProblem(wordsOf(error));
            setBusy(false);
        }
    };
    return (
        <Dialog title={action.title} kind="box" close={close}>
            <form
                onSubmit={(event) => {
                    event.preventDefault();
                    void carryOut();
                }}
            >
                <p>{action.consequence}</p>
                <Fields asked={asked} action={action} choice={choice} choose={setChoice} />
                {problem === null ? null : (
                    <p class="problem" role="alert">
                        <Icon name="alert" /> {problem}
                    </p>
                )}
                <div class="actions">
                    <button type="button" class="button" onClick={close}>
                        Cancel
                    </button>
                    <button type="submit" class={`button ${action.hurts ? 'danger' : 'primary'}`} disabled={busy}>
                        {action.verb}
                    </button>
                </div>
            </form>
        </Dialog>
    );
}

interface Chosen {
    readonly asked: Asked;
    readonly action: Action;
    readonly choice: Choice;
    readonly choose: (choice: Choice) => void;
}

function Fields({ asked, action, choice, choose }: Chosen) {
    const longest = asked.kind in LONGEST_WARNING ? LONGEST_WARNING[asked.kind as keyof typeof LONGEST_WARNING] : 0;
    return (
        <>
            {action.fields.includes('seconds') ? (
                <label class="field">
                    <span>Warning, in seconds</span>
                    <input
                        type="number"
                        min={0}
                        max={longest}
                        step={1}
                        required
                        value={choice.seconds}
                        onInput={(event) => {
                            choose({ ...choice, seconds: event.currentTarget.valueAsNumber });
                        }}
                    />
                </label>
            ) : null}
            {action.fields.includes('reason') ? (
                <label class="field">
                    <span>What the player is told</span>
                    <select
                        value={choice.reason}
                        onChange={(event) => {
                            choose({ ...choice, reason: event.currentTarget.value as Choice['reason'] });
                        }}
                    >
                        <option value="terminated">An operator ends it</option>
                        <option value="maintenance">Maintenance: a new one can be begun</option>
                    </select>
                </label>
            ) : null}
            {action.fields.includes('instances') ? (
                <label class="field">
                    <span>Instances kept ready</span>
                    <input
                        type="number"
                        min={0}
                        max={MOST_INSTANCES}
                        step={1}
                        required
                        value={choice.instances}
                        onInput={(event) => {
                            choose({ ...choice, instances: event.currentTarget.valueAsNumber });
                        }}
                    />
                </label>
            ) : null}
        </>
    );
}
