/** Asks for the admin key and a name. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { credentialsOf, LONGEST_NAME } from '../access';
import { Unauthorized, type Credentials } from '../api/client';
import { Icon } from '../interface/icon';

interface Properties {
    readonly name: string;
    readonly problem: string | null;
    readonly enter: (credentials: Credentials) => Promise<void>;
}

export function SignIn(its: Properties) {
    const [name, setName] = useState(its.name);
    const [key, setKey] = useState('');
    const [problem, setProblem] = useState(its.problem);
    const [busy, setBusy] = useState(false);
    const first = useRef<HTMLInputElement>(null);
    const second = useRef<HTMLInputElement>(null);
    useEffect(() => {
        (its.name === '' ? first : second).current?.focus();
    }, []);
    const enter = async (): Promise<void> => {
        const given = credentialsOf(key, name);
        if (typeof given === 'string') {
            setProblem(given);
            return;
        }
        setBusy(true);
        try {
            await its.enter(given);
        } catch (error) {
            setProblem(
                error instanceof Unauthorized
                    ? 'That is not the admin key of this service.'
                    : `The session API does not answer: ${error instanceof Error ? error.message : String(error)}`
            );
            setBusy(false);
        }
    };
    return (
        <main class="sign-in">
            <form
                aria-labelledby="sign-in"
                onSubmit={(event) => {
                    event.preventDefault();
                    void enter();
                }}
            >
                <img src="./favicon.svg" alt="" width="40" height="40" />
                <h1 id="sign-in">Operate Pixel Streaming</h1>
                <label class="field">
                    <span>Your name</span>
                    <input
                        ref={first}
                        type="text"
                        autocomplete="username"
                        maxLength={LONGEST_NAME}
                        value={name}
                        onInput={(event) => {
                            setName(event.currentTarget.value);
                        }}
                    />
                    <small>Stands in the audit log beside what you do.</small>
                </label>
                <label class="field">
                    <span>Admin key</span>
                    <input
                        ref={second}
                        type="password"
                        autocomplete="off"
                        spellcheck={false}
                        value={key}
                        aria-invalid={problem !== null}
                        aria-describedby={problem === null ? undefined : 'sign-in-problem'}
                        onInput={(event) => {
                            setKey(event.currentTarget.value);
                        }}
                    />
                    <small>Stays in this tab, until you close it or sign out.</small>
                </label>
                {problem === null ? null : (
                    <p class="problem" role="alert" id="sign-in-problem">
                        <Icon name="alert" /> {problem}
                    </p>
                )}
                <button type="submit" class="button primary wide" disabled={busy}>
                    {busy ? 'Asking…' : 'Sign in'}
                </button>
            </form>
        </main>
    );
}
