import { render } from 'preact';
import './styles/page.css';
import './styles/screen.css';
import './styles/controls.css';
import './styles/panel.css';
import { Access } from './access';
import { App } from './app';
import { BROWSER_FRAME, Parent } from './embedding/parent';
import { Page } from './interface/page';
import { readLink, withoutLoginAnswer } from './link';
import { fetchConfig, type PageConfig } from './page-config';
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

/** Finish a login that the page's address was the answer to; gives whether the page goes on here. */
async function finishLogin(app: App, access: Access, config: PageConfig, address: string): Promise<boolean> {
    try {
        const page = await access.finishLogIn(config.login, address);
        if (page !== null) {
            // With the token kept in the tab, and nothing of the answer in its history.
            location.replace(page);
            return false;
        }
        history.replaceState(history.state, '', withoutLoginAnswer(location.href));
        return true;
    } catch (error) {
        history.replaceState(history.state, '', withoutLoginAnswer(location.href));
        app.loginFailed(error instanceof Error ? error.message : String(error));
        return false;
    }
}

async function start(): Promise<void> {
    const fetched = fetchConfig();
    const address = location.href;
    const answered = new URLSearchParams(location.search).has('state');
    const link = readLink(address);
    history.replaceState(history.state, '', link.clean);
    const places = { stage: element('stage'), interface: element('interface') };
    const access = new Access(link.application);
    access.useLink(link.credentials);
    const app: App = new App(places, access, (view) => {
        render(<Page view={view} act={act} />, places.interface);
    });
    const act = app.do.bind(app);
    window.pixelStreaming = app.stream.library;
    app.draw();

    if (window.parent !== window) {
        const greeted = new Promise<void>((resolve) => {
            const parent = new Parent(BROWSER_FRAME(), (message) => {
                app.hear(message);
                resolve();
            });
            app.adopt(parent);
        });
        if (link.embedded) {
            app.configure(await fetched);
            await Promise.race([greeted, new Promise((resolve) => setTimeout(resolve, HELLO_MILLISECONDS))]);
        }
    }
    void fetched.then((config) => {
        app.configure(config);
    });
    if (answered && !(await finishLogin(app, access, await fetched, address))) {
        return;
    }
    if (app.stream.startsByItself) {
        app.start(false);
    }
}

void start();
