import { render } from 'preact';
import './styles/page.css';
import './styles/screen.css';
import './styles/controls.css';
import './styles/panel.css';
import { App } from './app';
import { BROWSER_FRAME, Parent } from './embedding/parent';
import { Page } from './interface/page';
import { readLink, withoutLoginAnswer } from './link';
import { fetchConfig, type PageConfig } from './page-config';
import { keptCredentials, storageOf } from './session/kept';
import type { PixelStreaming } from './stream/epic';

declare global {
    interface Window {
        /** The running session; tests and embedding pages use the same name as in Epic's own page. */
        pixelStreaming: PixelStreaming;
    }
}

/** How long a page in a frame waits for the one around it to say hello. */
const HELLO_MILLISECONDS = 3000;

function element(id: string): HTMLElement {
    const found = document.getElementById(id);
    if (found === null) {
        throw new Error(`index.html has no element #${id}`);
    }
    return found;
}

/** Finish a login that the address is the answer to; gives whether there is more to do here. */
async function finishLogin(app: App, config: PageConfig): Promise<boolean> {
    const tab = storageOf('sessionStorage');
    const login = await import('./login');
    if (config.login === null || !login.isAnswer(location.href, tab)) {
        return true;
    }
    const address = location.href;
    history.replaceState(history.state, '', withoutLoginAnswer(address));
    try {
        const { token, page } = await login.finish(config.login, address, tab);
        history.replaceState(history.state, '', page);
        app.use({ tokens: [token], ticket: null });
        return true;
    } catch (error) {
        app.loginFailed(error instanceof Error ? error.message : String(error));
        return false;
    }
}

async function start(): Promise<void> {
    const fetched = fetchConfig();
    const answered = new URLSearchParams(location.search).has('state');
    const link = readLink(location.href);
    if (!answered) {
        history.replaceState(history.state, '', link.clean);
    }
    const places = { stage: element('stage'), interface: element('interface') };
    const app: App = new App(places, link.application, (view) => {
        render(<Page view={view} act={act} />, places.interface);
    });
    const act = app.do.bind(app);
    window.pixelStreaming = app.stream.library;
    const { tokens, ticket } = link.credentials;
    app.use({ tokens: tokens.length > 0 ? tokens : keptCredentials(storageOf('sessionStorage')).tokens, ticket });
    app.draw();

    if (window.parent !== window) {
        const greeted = new Promise<void>((resolve) => {
            const parent = new Parent(BROWSER_FRAME(), (message) => {
                app.hear(message);
                resolve();
            });
            app.adopt(parent);
        });
        void fetched.then((config) => {
            app.configure(config);
        });
        if (link.embedded) {
            await Promise.race([greeted, new Promise((resolve) => setTimeout(resolve, HELLO_MILLISECONDS))]);
        }
    } else {
        void fetched.then((config) => {
            app.configure(config);
        });
    }
    if (answered && !(await finishLogin(app, await fetched))) {
        return;
    }
    if (app.stream.startsByItself) {
        app.start(false);
    }
}

void start();
