"""A token bucket as one number, as a pure function: the generic cell rate algorithm."""

from signalling.records.interface import Rate


def admit(free_at: float, rate: Rate, now: float) -> tuple[float, float]:
    """Seconds to wait (0: one more fits) and the number to remember.

    ``free_at`` is when the bucket would be full again; 0 for one that nothing was taken from yet. A bucket that was
    full holds ``rate.burst`` tokens and gets one each ``rate.interval``.
    """
    after = max(free_at, now) + rate.interval
    wait = after - now - rate.burst * rate.interval
    # Rounding of large times must not refuse what just fits.
    return (0.0, after) if wait <= 1e-6 * rate.interval else (wait, free_at)
