"""The measures of a path: all of them begin anew with another host."""

from __future__ import annotations

from udpchat.sync.bbr import WINDOW_BYTES_INITIAL
from udpchat.sync.loss import LossDetection
from udpchat.sync.path_estimate import PathEstimate
from udpchat.sync.rtt import INITIAL_S


def test_of_a_new_path_nothing_is_known_but_its_host() -> None:
    path = PathEstimate("192.0.2.1")
    assert (path.host, path.reordering_s, path.round_trip.sampled) == ("192.0.2.1", 0.0, False)
    assert (path.congestion.rate, path.congestion.window_bytes) == (0.0, WINDOW_BYTES_INITIAL)


def test_a_change_of_host_replaces_all_measures_at_once() -> None:
    loss_detection = LossDetection("192.0.2.1")
    before = loss_detection.path
    before.round_trip.on_sample(0.4)
    before.reordering_s = 0.1
    loss_detection.change_path("192.0.2.2")
    assert loss_detection.path is not before and loss_detection.path.host == "192.0.2.2"
    assert (loss_detection.path.round_trip.smoothed_s, loss_detection.path.reordering_s) == (INITIAL_S, 0.0)
