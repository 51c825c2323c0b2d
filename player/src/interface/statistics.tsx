/** The figures of the stream as a person reads them. */
import { verdictOf, type Figures } from '../stream/statistics';
import type { Texts } from '../texts';
import type { Do, View } from '../view';
import { Icon } from './icon';

export function StatisticsOverlay({ view, act }: { readonly view: View; readonly act: Do }) {
    const { texts, figures } = view;
    const verdict = figures === null ? null : verdictOf(figures);
    return (
        <aside class="statistics" aria-label={texts.statistics.title}>
            <header>
                <h2>{texts.statistics.title}</h2>
                <button
                    type="button"
                    class="icon-button small"
                    aria-label={texts.actions.close}
                    onClick={() => {
                        act({ kind: 'prefer', change: { statistics: false } });
                    }}
                >
                    <Icon name="close" />
                </button>
            </header>
            {verdict === null ? null : (
                <p class="verdict" data-verdict={verdict}>
                    {texts.statistics.verdict[verdict]}
                </p>
            )}
            <dl>
                {rows(figures, view, texts).map(([name, value]) => (
                    <div key={name}>
                        <dt>{name}</dt>
                        <dd>{value}</dd>
                    </div>
                ))}
            </dl>
        </aside>
    );
}

function rows(figures: Figures | null, view: View, texts: Texts): [string, string][] {
    const say = texts.statistics;
    const number = (value: number, digits: number, unit: string): string =>
        `${value.toLocaleString(document.documentElement.lang, { minimumFractionDigits: digits, maximumFractionDigits: digits })}${unit}`;
    const known = (value: number | null | undefined, factor: number, digits: number, unit: string): string =>
        value === null || value === undefined ? say.unknown : number(value * factor, digits, unit);
    const size =
        figures?.width && figures.height ? `${String(figures.width)} × ${String(figures.height)}` : say.unknown;
    return [
        [say.resolution, size],
        [say.frames, known(figures?.framesPerSecond, 1, 0, '')],
        [say.bitrate, known(figures?.bitrate, 1e-6, 1, ' Mbit/s')],
        [say.delay, known(figures?.roundTripSeconds, 1000, 0, ' ms')],
        [say.jitter, known(figures?.jitterSeconds, 1000, 0, ' ms')],
        [say.loss, known(figures?.loss, 100, 1, ' %')],
        [say.freezes, known(figures?.freezes, 1, 0, '')],
        [say.way, wayOf(figures, texts)],
        ...(view.config.region === null ? [] : [[say.region, view.config.region] as [string, string]]),
        [say.firstFrame, known(view.firstFrameSeconds, 1, 1, ' s')]
    ];
}

function wayOf(figures: Figures | null, texts: Texts): string {
    const say = texts.statistics;
    if (figures?.candidateType == null) {
        return say.unknown;
    }
    const way = figures.candidateType === 'relay' ? say.relay : say.direct;
    return figures.protocol == null ? way : `${way} (${figures.protocol.toUpperCase()})`;
}
