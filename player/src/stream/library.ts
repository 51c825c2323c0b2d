/** Epic's library as this page uses it: told where to draw, what to send and when to come again. It stays unmodified. */
import {
    Config,
    Flags,
    LogLevel,
    Logger,
    NumericParameters,
    OptionParameters,
    PixelStreaming,
    WebSocketTransport
} from './epic';
import type { Preferences } from '../preferences';
import type { ResumableSocket } from '../session/resumable-socket';

/** A connection in the place of the library's WebSocket. */
export type SocketMaker = () => ResumableSocket;

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

/** A library that draws into an element and connects when it is told to; parameters of the page's address count. */
export function makeLibrary(stage: HTMLElement): { library: PixelStreaming; startsByItself: boolean } {
    routeStylesThroughObjectModel(stage);
    Logger.InitLogging(LogLevel.Warning, false);
    const config = new Config({
        useUrlParams: true,
        initialSettings: {
            AutoConnect: true,
            AutoPlayVideo: true,
            StartVideoMuted: true,
            HoveringMouse: true
        }
    });
    const startsByItself = config.isFlagEnabled(Flags.AutoConnect);
    // The library would connect inside its constructor, before anything listens to what happens.
    config.setFlagEnabled(Flags.AutoConnect, false);
    // The connection comes back by itself, and what it cannot mend a person decides.
    config.setNumericSetting(NumericParameters.MaxReconnectAttempts, 0);
    // How soon a network that swallows everything is noticed: a ping without an answer before the next one.
    config.setNumericSetting(NumericParameters.KeepaliveDelay, 10_000);
    return { library: new PixelStreaming(config, { videoElementParent: stage }), startsByItself };
}

/** Let the library connect through sockets of ours. */
export function replaceSocket(library: PixelStreaming, make: SocketMaker): void {
    const { transport } = library.signallingProtocol;
    if (!(transport instanceof WebSocketTransport)) {
        throw new TypeError("Epic's library does not use its WebSocketTransport");
    }
    transport.connect = (): boolean => {
        // It has of a WebSocket what the transport uses.
        const socket = make() as unknown as WebSocket;
        transport.webSocket = socket;
        socket.onopen = (): void => {
            transport.handleOnOpen();
        };
        socket.onmessage = (event): void => {
            transport.handleOnMessage(event);
        };
        socket.onclose = (event): void => {
            transport.handleOnClose(event);
        };
        return true;
    };
}

/** Forget which instance the last session had: the library would wait for that one. */
export function forgetInstance(library: PixelStreaming): void {
    library.webRtcController.subscribedStream = '';
    library.config.setOptionSettingOptions(OptionParameters.StreamerId, ['']);
    library.config.setOptionSettingValue(OptionParameters.StreamerId, '');
}

/** What the application itself wants, to go back to. */
export interface ApplicationDefaults {
    readonly maxBitrateKilobits: number;
    readonly framesPerSecond: number;
    readonly hoveringMouse: boolean;
}

/** What the library is set to now; right after the application has set it. */
export function applicationDefaults(config: Config): ApplicationDefaults {
    return {
        maxBitrateKilobits: config.getNumericSettingValue(NumericParameters.WebRTCMaxBitrate),
        framesPerSecond: config.getNumericSettingValue(NumericParameters.WebRTCFPS),
        hoveringMouse: config.isFlagEnabled(Flags.HoveringMouseMode)
    };
}

/** Set the library's input to what a person may and wants to send. A spectator sends nothing. */
export function setInput(config: Config, preferences: Preferences, owner: boolean, usual: ApplicationDefaults): void {
    const { mouse } = preferences;
    const hovering = mouse === 'automatic' ? usual.hoveringMouse : mouse === 'hovering';
    set(config, Flags.HoveringMouseMode, hovering);
    set(config, Flags.MouseInput, owner);
    set(config, Flags.KeyboardInput, owner && preferences.keyboard);
    set(config, Flags.GamepadInput, owner && preferences.gamepad);
    set(config, Flags.FakeMouseWithTouches, preferences.touch === 'mouse');
    set(config, Flags.TouchInput, owner);
    set(config, Flags.UseMic, owner && preferences.microphone);
}

/** Set the library's picture to what a person wants; only who controls the quality may. */
export function setQuality(config: Config, preferences: Preferences, usual: ApplicationDefaults): void {
    const kilobits = preferences.megabits === 0 ? usual.maxBitrateKilobits : preferences.megabits * 1000;
    const frames = preferences.frameRate === 0 ? usual.framesPerSecond : preferences.frameRate;
    setNumber(config, NumericParameters.WebRTCMaxBitrate, kilobits);
    setNumber(config, NumericParameters.WebRTCFPS, frames);
    setNumber(config, NumericParameters.ViewportResScale, preferences.sharp ? window.devicePixelRatio : 1);
    set(config, Flags.MatchViewportResolution, preferences.matchResolution);
}

type Flag = Parameters<Config['isFlagEnabled']>[0];
type Numeric = Parameters<Config['getNumericSettingValue']>[0];

/** Every setting of a flag has effects, among them new input handlers: only what changes is set. */
function set(config: Config, flag: Flag, value: boolean): void {
    if (config.isFlagEnabled(flag) !== value) {
        config.setFlagEnabled(flag, value);
    }
}

function setNumber(config: Config, name: Numeric, value: number): void {
    if (config.getNumericSettingValue(name) !== value) {
        config.setNumericSetting(name, value);
    }
}
