"""What a part of the benchmark found, as a table for people and as data for programs."""

from __future__ import annotations

import os
import platform
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from textwrap import fill
from typing import Any

NOTE_CHARACTERS = 100
LIBRARIES = ("cryptography", "msgspec")

Cell = str | int | float | None


@dataclass(slots=True)
class Table:
    """Rows under `columns`; a cell that could not be measured here is None. Each note is a sentence or two."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, *cells: Cell) -> None:
        """One more row."""
        assert len(cells) == len(self.columns)
        self.rows.append(cells)

    def render(self) -> str:
        """Lines for a person, the numbers to three digits and flush right."""
        shown = [self.columns, *(tuple(_shown(cell) for cell in row) for row in self.rows)]
        widths = [max(len(row[column]) for row in shown) for column in range(len(self.columns))]
        lines = [self.title]
        for row in shown:
            flush_right = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
            lines.append("  ".join([row[0].ljust(widths[0]), *flush_right]).rstrip())
        for note in self.notes:
            lines.append(fill(note, NOTE_CHARACTERS, initial_indent="  ", subsequent_indent="  "))
        return "\n".join(lines)

    def data(self) -> dict[str, Any]:
        """The same for a program, unrounded."""
        rows = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        return {"title": self.title, "rows": rows, "notes": self.notes}


def _shown(cell: Cell) -> str:
    if cell is None:
        return "-"
    if not isinstance(cell, float):
        return f"{cell:,}" if isinstance(cell, int) else cell
    if abs(cell) >= 100:
        return f"{cell:,.0f}"
    return f"{cell:.1f}" if abs(cell) >= 10 else f"{cell:.2f}"


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of all are at most; nan of nothing."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else float("nan")


def median(values: Sequence[float]) -> float:
    """The middle; nan of nothing."""
    return statistics.median(values) if values else float("nan")


def conditions() -> dict[str, Any]:
    """Where this runs: numbers of two runs under different conditions say nothing about each other."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processors": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2) if sys.platform != "win32" else None,
        **{name: version(name) for name in LIBRARIES},
    }


def conditions_line() -> str:
    """`conditions` in one line."""
    found = conditions()
    libraries = ", ".join(f"{name} {found[name]}" for name in LIBRARIES)
    load = "" if found["load"] is None else f", load {found['load']}"
    return f"{found['python']} on {found['system']}, {found['processors']} processors{load}; {libraries}"
