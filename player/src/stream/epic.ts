/** What the page uses of Epic's packages, in one place: the build keeps them in a file of their own. */
export { WebSocketTransport, Logger, LogLevel } from '@epicgames-ps/lib-pixelstreamingcommon-ue5.5';
export {
    Config,
    Flags,
    NumericParameters,
    OptionParameters,
    PixelStreaming
} from '@epicgames-ps/lib-pixelstreamingfrontend-ue5.5';
