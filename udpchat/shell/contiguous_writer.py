"""Writing a client's store after a failed write: a replica keeps no hole, and the next run fetches the rest again."""

from __future__ import annotations

from collections.abc import Sequence

from udpchat.client.stored import EntriesStored, ReplicaReset, RequestAdded, Write
from udpchat.storage.protocol import ClientStore, StoreError


class ContiguousWriter:
    """`write` of a client's store, for a writer."""

    def __init__(self, store: ClientStore) -> None:
        self._store = store

    def write(self, batch: Sequence[Write]) -> None:
        """Write all but entries behind a hole. Raises `StoreError` only if a request could not be written."""
        try:
            self._store.write(self._continuing(batch))
        except StoreError:
            if any(isinstance(item, RequestAdded) for item in batch):
                raise

    def _continuing(self, batch: Sequence[Write]) -> list[Write]:
        """The batch without the entries behind a hole that a failed write left; the next run asks for them."""
        heads: dict[str, tuple[int, int]] = {}
        kept: list[Write] = []
        for item in batch:
            if isinstance(item, ReplicaReset):
                heads[item.log] = item.generation, item.sequence
            elif isinstance(item, EntriesStored):
                extent = self._store.extent(item.log)
                is_new = (extent.generation, extent.head) == (0, 0)
                known = (item.generation, 0) if is_new else (extent.generation, extent.head)
                if heads.get(item.log, known) != (item.generation, item.first - 1):
                    continue
                heads[item.log] = item.generation, item.first + len(item.entries) - 1
            kept.append(item)
        return kept
