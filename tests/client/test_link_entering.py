"""A lost Finish does not leave what follows it unheard: Data of a session not known yet goes behind it again."""

from __future__ import annotations

from random import Random

from tests.sim.faults import LAN
from tests.sim.world import SERVER, World
from udpchat.wire.packets import Finish, Kind, parse_packet_untrusted


def test_a_lost_finish_goes_again_with_the_data_that_follows() -> None:
    world = World(Random(1), LAN)
    lost: list[Finish] = []

    def lose_the_first_finishes(now: float, source: object, destination: object, data: bytes) -> bool:
        if data[0] != Kind.FINISH or len(lost) == 2:
            return False
        packet = parse_packet_untrusted(data)
        assert isinstance(packet, Finish)
        lost.append(packet)
        return True

    world.network.drop_if.append(lose_the_first_finishes)
    client = world.add_client("alice")
    took_s = world.run_until(lambda: client.is_in, limit_s=5)
    assert len(lost) == 2
    assert took_s < 0.2, "the Finish must not wait for its own timer"
    assert world.network.count(client.address, SERVER).sent < 12
