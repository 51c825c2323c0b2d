import { Config, LogLevel, Logger, PixelStreaming } from '@epicgames-ps/lib-pixelstreamingfrontend-ue5.5';
import './page.css';
import { INITIAL, LABELS, next, signallingAddress, withoutForeignServer, words } from './status';
import type { Action, Happening, State } from './status';

declare global {
    interface Window {
        /** The running session; tests and embedding pages use the same name as in Epic's own page. */
        pixelStreaming: PixelStreaming;
    }
}

function element(id: string): HTMLElement {
    const found = document.getElementById(id);
    if (found === null) {
        throw new Error(`index.html has no element #${id}`);
    }
    return found;
}

/** Lets the library set its styles under a content security policy: it writes the style attribute, which is refused there. */
function routeStylesThroughObjectModel(target: HTMLElement): void {
    const original = target.setAttribute.bind(target);
    target.setAttribute = (name: string, value: string): void => {
        if (name === 'style') {
            target.style.cssText = value;
        } else {
            original(name, value);
        }
    };
}

function configuration(): Config {
    const query = withoutForeignServer(location.search);
    history.replaceState(history.state, '', `${location.pathname}${query}${location.hash}`);
    return new Config({
        useUrlParams: true,
        initialSettings: {
            ss: signallingAddress(location.href),
            AutoConnect: true,
            AutoPlayVideo: true,
            StartVideoMuted: true,
            HoveringMouse: true
        }
    });
}

function show(state: State, act: (action: Action) => void): void {
    const { status, detail, action, busy } = words(state);
    const button = element('action') as HTMLButtonElement;
    document.documentElement.dataset['state'] = state.kind;
    document.documentElement.dataset['busy'] = String(busy);
    element('status').textContent = status;
    element('detail').textContent = detail;
    button.hidden = action === null;
    if (action !== null) {
        button.textContent = LABELS[action];
        button.onclick = (): void => {
            act(action);
        };
        button.focus();
    } else {
        // Keys belong to the stream: nothing of the page keeps the focus while there is nothing to press.
        element('stage').focus({ preventScroll: true });
    }
}

function watch(stream: PixelStreaming, happened: (happening: Happening) => void): void {
    stream.addEventListener('webRtcAutoConnect', () => {
        happened({ kind: 'connect' });
    });
    stream.addEventListener('streamConnect', () => {
        happened({ kind: 'connect' });
    });
    stream.signallingProtocol.transport.addListener('open', () => {
        happened({ kind: 'open' });
    });
    stream.addEventListener('streamerListMessage', ({ data }) => {
        const chosen = data.autoSelectedStreamerId !== '';
        happened({ kind: 'instances', chosen, gaveUp: !chosen && !stream.isReconnecting() });
    });
    stream.addEventListener('webRtcConnecting', () => {
        happened({ kind: 'offer' });
    });
    stream.addEventListener('playStreamRejected', () => {
        happened({ kind: 'play-refused' });
    });
    stream.addEventListener('subscribeFailed', ({ data }) => {
        happened({ kind: 'refused', reason: data.message });
    });
    stream.addEventListener('webRtcFailed', () => {
        happened({ kind: 'media-failed' });
    });
    stream.addEventListener('webRtcDisconnected', ({ data }) => {
        happened({ kind: 'closed', reason: data.eventString, retrying: !data.allowClickToReconnect });
    });
    stream.addResponseEventListener('page', (response) => {
        element('response').textContent = response;
    });
    // A picture, not a promise: the state is "playing" only once the video element has a frame to show.
    element('stage')
        .querySelector('video')
        ?.addEventListener('playing', () => {
            happened({ kind: 'frame' });
        });
}

function start(): void {
    const stage = element('stage');
    routeStylesThroughObjectModel(stage);
    Logger.InitLogging(LogLevel.Warning, false);
    const config = configuration();
    // The library would connect inside its constructor, before anything listens to what happens.
    const connectsByItself = config.isFlagEnabled('AutoConnect');
    config.setFlagEnabled('AutoConnect', false);
    const stream = new PixelStreaming(config, { videoElementParent: stage });
    window.pixelStreaming = stream;

    const attempts = config.getNumericSettingValue('MaxReconnectAttempts');
    let state = INITIAL;
    let fruitless = 0;
    const begin = (): void => {
        fruitless = 0;
        config.setNumericSetting('MaxReconnectAttempts', attempts);
    };
    const act = (action: Action): void => {
        if (action === 'play') {
            stream.play();
        } else {
            state = INITIAL;
            begin();
            // After a refusal the connection may still be open: the library then closes it first and connects again.
            if (stream.signallingProtocol.isConnected()) {
                stream.reconnect();
            } else {
                stream.connect();
            }
        }
    };
    const happened = (happening: Happening): void => {
        state = next(state, happening);
        show(state, act);
        if (happening.kind === 'frame') {
            begin();
        } else if (happening.kind === 'closed' && ++fruitless >= attempts) {
            // The library counts only connections that never opened. One that opens and is closed each time, as by a
            // matchmaker with no instance to give, would be tried for ever: the next close is the last.
            config.setNumericSetting('MaxReconnectAttempts', 0);
        }
    };
    watch(stream, happened);
    show(state, act);
    if (connectsByItself) {
        stream.connect();
    }
}

start();
