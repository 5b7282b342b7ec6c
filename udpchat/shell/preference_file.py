"""The file in which a nick keeps its settings, beside its stores: JSON. The config file is never written."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from udpchat.chat.phrase import Phrase
from udpchat.shell.data_folder import put_file

FILE_NAME: Final = "preferences.json"
FILE_BYTES_MAX: Final = 256 * 1024


class PreferenceFile:
    """The file in a folder that exists. `report` prints one line; nothing is raised: the chat goes on without it."""

    def __init__(self, folder: Path, report: Callable[[Phrase], object]) -> None:
        self._path = folder / FILE_NAME
        self._report = report

    def load(self) -> dict[str, Any]:
        """What was saved last; nothing if there is no file, or if it cannot be read, which sets it aside."""
        try:
            with self._path.open("rb") as file:
                content = file.read(FILE_BYTES_MAX + 1)
            found = json.loads(content.decode("utf-8")) if len(content) <= FILE_BYTES_MAX else None
            if isinstance(found, dict):
                return found
            reason = "no JSON object"
        except FileNotFoundError:
            return {}
        except OSError as error:
            reason = error.strerror or str(error)
        except (ValueError, RecursionError):
            reason = "no JSON"
        kept = self._path.with_name(f"{FILE_NAME}.unreadable")
        with suppress(OSError):
            self._path.replace(kept)
        self._report(Phrase("preferences.set_aside", {"path": self._path, "reason": reason, "kept": kept.name}))
        return {}

    def save(self, values: dict[str, Any]) -> None:
        """Put these in the place of what was saved."""
        try:
            put_file(self._path, json.dumps(values, indent=2) + "\n")
        except OSError as error:
            self._report(Phrase("preferences.unwritable", {"path": self._path, "reason": error.strerror or error}))
