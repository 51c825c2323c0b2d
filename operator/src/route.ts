/** Which view is shown, and with what filter: it stands in the address, after the number sign. Pure. */
import { EVERYTHING, type Filter } from './model/sessions';
import { SESSION_STATES, VERDICTS } from './model/words';

export const VIEWS = ['overview', 'sessions', 'queue', 'instances', 'nodes', 'links', 'audit'] as const;
export type View = (typeof VIEWS)[number];

export interface Route {
    readonly view: View;
    readonly filter: Filter;
}

/** The route of an address's last part; an unknown one is the overview. */
export function readRoute(hash: string): Route {
    const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
    const said = new URLSearchParams(query);
    const view = VIEWS.find((each) => each === path) ?? 'overview';
    return {
        view,
        filter: {
            text: said.get('text') ?? '',
            application: said.get('application') ?? '',
            state: oneOf(SESSION_STATES, said.get('state')),
            quality: oneOf(VERDICTS, said.get('quality'))
        }
    };
}

function oneOf<Name extends string>(names: Readonly<Record<Name, string>>, said: string | null): Name | '' {
    return said !== null && Object.hasOwn(names, said) ? (said as Name) : '';
}

/** The address of a view, as a link has it. */
export function linkTo(view: View, filter: Partial<Filter> = {}): string {
    const said = Object.entries({ ...EVERYTHING, ...filter }).filter(([, value]) => value !== '');
    const query = new URLSearchParams(said).toString();
    return `#/${view}${query === '' ? '' : `?${query}`}`;
}
