/** Small things that stand in tables and cards. */
import type { ComponentChildren } from 'preact';
import { filling, type Buffer } from '../model/attention';
import { lasting, moment } from '../model/words';

export type Tone = 'good' | 'fair' | 'poor' | 'busy' | 'plain';

/** A state in a word; the colour only repeats it. */
export function Badge({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }) {
    return (
        <span class="badge" data-tone={tone}>
            {children}
        </span>
    );
}

/** How long ago something began; the moment itself is shown to whoever points at it. */
export function Since({ at, now }: { readonly at: number | null; readonly now: number }) {
    if (at === null) {
        return <span class="quiet">–</span>;
    }
    return (
        <time dateTime={new Date(at).toISOString()} title={moment(at)}>
            {lasting((now - at) / 1000)}
        </time>
    );
}

/** A machine's name for something. */
export function Name({ children }: { readonly children: string | null }) {
    return children === null ? <span class="quiet">–</span> : <code class="name">{children}</code>;
}

const LENGTH = 100;

/** A buffer against its target: what is ready, what is starting, and a mark where the target is. */
export function BufferBar({ buffer }: { readonly buffer: Buffer }) {
    const { ready, starting, target } = filling(buffer);
    const said = `${buffer.ready} of ${buffer.target} ready${buffer.starting === 0 ? '' : `, ${buffer.starting} starting`}`;
    return (
        <span class="buffer">
            <svg viewBox={`0 0 ${LENGTH} 8`} preserveAspectRatio="none" role="img" aria-label={said}>
                <rect class="buffer-whole" width={LENGTH} height="8" rx="2" />
                <rect class="buffer-starting" width={(ready + starting) * LENGTH} height="8" rx="2" />
                <rect class="buffer-ready" width={ready * LENGTH} height="8" rx="2" />
                {buffer.target > 0 && target < 1 ? (
                    <rect class="buffer-target" x={target * LENGTH - 0.75} width="1.5" height="8" />
                ) : null}
            </svg>
            <span class="buffer-said" aria-hidden="true">
                {buffer.ready}/{buffer.target}
                {buffer.starting === 0 ? '' : ` +${buffer.starting}`}
            </span>
        </span>
    );
}

/** What a view shows before its first answer. */
export function Loading() {
    return (
        <p class="loading" role="status">
            <span class="spinner" aria-hidden="true" /> Asking the service…
        </p>
    );
}
