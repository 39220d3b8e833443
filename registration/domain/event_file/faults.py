"""What is wrong with an event file, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from registration.errors import Refusal

MOST_TOLD = 100

Path = tuple[str | int, ...]
"""Where a value stands: ("sessions", 1, "starts")."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: `line` counts from 1, `field` is as "sessions[1].starts", or "" for the file."""

    line: int
    field: str
    sentence: LazyString | str

    def __str__(self) -> str:
        where = f"line {self.line}, {self.field}" if self.field else f"line {self.line}"
        return f"{where}: {self.sentence}"


class EventFileFaults(Refusal):
    """An event file cannot be taken. `faults` holds all that was found, by line, each once; as text, one per line."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = sorted(_each_once(faults), key=lambda fault: fault.line)
        super().__init__("")

    def __str__(self) -> str:
        told = [str(fault) for fault in self.faults[:MOST_TOLD]]
        more = len(self.faults) - len(told)
        if more:
            told.append(str(_l("... and %(more)d more.", more=more)))
        return "\n".join(told)


def field_name(path: Path) -> str:
    """Return a path as people read it: "sessions[1].starts"."""
    name = ""
    for step in path:
        name += f"[{step}]" if isinstance(step, int) else f".{step}"
    return name.removeprefix(".")


def _each_once(faults: Sequence[Fault]) -> list[Fault]:
    return list({(fault.line, fault.field, str(fault.sentence)): fault for fault in faults}.values())
