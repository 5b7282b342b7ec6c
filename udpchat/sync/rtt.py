"""Round-trip time: smoothed and its variation, as RFC 9002 section 5 keeps them."""

from __future__ import annotations

INITIAL_S = 0.05  # before the first sample: more than a LAN takes, about what a poor one takes
SAMPLE_S_MAX = 1.5  # more measures a suspended process, not the network, and would delay the next repairs
TIMEOUT_S_MAX = 1.5  # whatever a network in trouble made of the variation: what is repeated is well again within 2 s
GRANULARITY_S = 0.001  # RFC 9002 section 6.1.2: timers are not finer


class RoundTrip:
    """Estimates from samples in seconds; `timeout_s` is how long to wait for an answer before it is overdue."""

    __slots__ = ("sampled", "smoothed_s", "timeout_s", "variation_s")

    def __init__(self) -> None:
        self.sampled = False
        self._estimate(INITIAL_S, INITIAL_S / 2)

    def on_sample(self, sample_s: float) -> None:
        """One measured round trip, already without the receiver's delay.

        A sample beyond SAMPLE_S_MAX is not used, except that before the first sample it lengthens the timeout.
        """
        if sample_s > SAMPLE_S_MAX:
            if not self.sampled:
                self._estimate(SAMPLE_S_MAX, SAMPLE_S_MAX / 2)
            return
        sample_s = max(sample_s, 0.0)
        if not self.sampled:
            self.sampled = True
            return self._estimate(sample_s, sample_s / 2)
        smoothed_s, variation_s = self.smoothed_s, self.variation_s
        variation_s += (abs(smoothed_s - sample_s) - variation_s) / 4
        self._estimate(smoothed_s + (sample_s - smoothed_s) / 8, variation_s)

    def _estimate(self, smoothed_s: float, variation_s: float) -> None:
        """The timeout is read more often than it changes (RFC 9002 section 6.2.1, without the receiver's delay):
        smoothed + 4 variations, within TIMEOUT_S_MAX."""
        self.smoothed_s, self.variation_s = smoothed_s, variation_s
        timeout_s = smoothed_s + max(4 * variation_s, GRANULARITY_S)
        self.timeout_s = min(timeout_s, max(TIMEOUT_S_MAX, smoothed_s + GRANULARITY_S))
