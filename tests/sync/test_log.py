"""What a reader of logs promises, checked on the one that these tests read from."""

import pytest

from tests.sync.memory import MemoryReader
from udpchat.sync.log import Append, Extent, RequestId

LOG = "#lobby"


@pytest.fixture
def reader() -> MemoryReader:
    reader = MemoryReader(generation=9)
    reader.append(LOG, [b"%d" % sequence for sequence in range(1, 11)])
    return reader


def test_a_log_reaches_from_its_base_to_its_head(reader: MemoryReader) -> None:
    assert reader.extent(LOG) == Extent(9, 0, 10)
    reader.prune(LOG, 4)
    reader.append(LOG, [b"11"])
    assert reader.extent(LOG) == Extent(9, 4, 11)
    assert reader.extent("#never written") == Extent(9, 0, 0)


def test_it_is_read_densely_within_its_extent_and_not_at_all_from_below(reader: MemoryReader) -> None:
    reader.prune(LOG, 4)
    assert reader.read(LOG, 5, 3) == [b"5", b"6", b"7"]
    assert reader.read(LOG, 9, 9) == [b"9", b"10"]
    assert reader.read(LOG, 4, 3) == [] == reader.read(LOG, 11, 1) == reader.read("#never written", 1, 1)


def test_what_is_to_be_written_names_the_request_that_it_answers() -> None:
    append = Append(LOG, 3, b"entry", RequestId(b"client", 7))
    assert append.origin == RequestId(client_id=b"client", counter=7)
    assert Append(LOG, 4, b"entry", None).origin is None
