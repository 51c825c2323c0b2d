/** The page as a whole: signed out or at work. */
import { useCallback, useState } from 'preact/hooks';
import type { Access } from './access';
import { Client, type Credentials } from './api/client';
import { Console } from './console';
import { SignIn } from './views/sign-in';

interface Properties {
    readonly access: Access;
    /** What the API's paths begin at. */
    readonly base: string;
}

export function App({ access, base }: Properties) {
    const [credentials, setCredentials] = useState<Credentials | null>(access.read());
    const [problem, setProblem] = useState<string | null>(null);
    const leave = useCallback(
        (why: string | null) => {
            access.forget();
            setProblem(why);
            setCredentials(null);
        },
        [access]
    );
    if (credentials === null) {
        return (
            <SignIn
                name={access.name}
                problem={problem}
                enter={async (given) => {
                    // Whether it is the admin key only the API can tell.
                    await new Client(base, given).get('/api/v1/applications', {});
                    access.keep(given);
                    setCredentials(given);
                }}
            />
        );
    }
    return <Console base={base} credentials={credentials} leave={leave} />;
}
