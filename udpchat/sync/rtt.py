"""Round-trip time: smoothed and its variation, as RFC 9002 section 5 keeps them."""

from __future__ import annotations

INITIAL_S = 0.05  # before the first sample: more than a LAN takes, about what a poor one takes
SAMPLE_S_MAX = 1.5  # more measures a suspended process, not the network, and would delay the next repairs
TIMEOUT_S_MAX = 1.5  # whatever a network in trouble made of the variation: what is repeated is well again within 2 s
GRANULARITY_S = 0.001  # RFC 9002 section 6.1.2: timers are not finer


class RoundTrip:
    """Estimates from samples in seconds; `timeout_s` is how long to wait for an answer before it is overdue."""

    __slots__ = ("sampled", "smoothed_s", "variation_s")

    def __init__(self) -> None:
        self.smoothed_s = INITIAL_S
        self.variation_s = INITIAL_S / 2
        self.sampled = False

    def on_sample(self, sample_s: float) -> None:
        """One measured round trip, already without the receiver's delay.

        A sample beyond SAMPLE_S_MAX is not used, except that before the first sample it lengthens the timeout.
        """
        if sample_s > SAMPLE_S_MAX:
            if not self.sampled:
                self.smoothed_s, self.variation_s = SAMPLE_S_MAX, SAMPLE_S_MAX / 2
            return
        sample_s = max(sample_s, 0.0)
        if not self.sampled:
            self.sampled = True
            self.smoothed_s = sample_s
            self.variation_s = sample_s / 2
            return
        self.variation_s += (abs(self.smoothed_s - sample_s) - self.variation_s) / 4
        self.smoothed_s += (sample_s - self.smoothed_s) / 8

    @property
    def timeout_s(self) -> float:
        """RFC 9002 section 6.2.1, without the receiver's delay: smoothed + 4 variations, within TIMEOUT_S_MAX."""
        timeout_s = self.smoothed_s + max(4 * self.variation_s, GRANULARITY_S)
        return min(timeout_s, max(TIMEOUT_S_MAX, self.smoothed_s + GRANULARITY_S))
