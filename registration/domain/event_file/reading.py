"""YAML text -> plain values, and the line of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from registration.domain.event_file.building import Builder, CannotGoOn
from registration.domain.event_file.faults import EventFileFaults, Fault, Path, field_name
from registration.errors import plain
from registration.text import is_writable

SIZE_LIMIT = 1024 * 1024
"""In bytes of UTF-8."""


@dataclass(frozen=True)
class Document:
    """A file as it was read: its value, and the line of everything in it."""

    root: Any
    lines: dict[Path, int]

    def fault(self, path: Path, sentence: LazyString | str) -> Fault:
        """Return a fault at `path`, with its line, or that of the nearest thing around it."""
        near = path
        while near and near not in self.lines:
            near = near[:-1]
        return Fault(self.lines.get(near, 1), field_name(path), sentence)


def decode(octets: bytes) -> str:
    """Return the text of a file's bytes: UTF-8, with or without a mark before it. Raises EventFileFaults."""
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise EventFileFaults([Fault(line, "", _l("This is not UTF-8; save the file as UTF-8."))]) from None


def read(text: str) -> Document:
    """Return what stands in `text`. Raises EventFileFaults with everything that is wrong with it as YAML."""
    _refuse_unreadable(text)
    builder = Builder()
    line = 1
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            line = event.start_mark.line + 1
            builder.take(event, line)
    except CannotGoOn:
        pass  # and the builder's last fault says why
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        builder.faults.append(_not_yaml(mark.line + 1 if mark else line, str(error.problem or error.context)))
    except YAMLError as error:
        builder.faults.append(_not_yaml(line, str(error)))
    except (ValueError, OverflowError):
        # Python's own: a \U escape that is no character, a %YAML version of 5000 digits.
        out_of_range = _l("This cannot be read as YAML: a number in it is out of range.")
        builder.faults.append(Fault(line, "", out_of_range))
    if builder.faults:
        raise EventFileFaults(builder.faults)
    return Document(builder.root, builder.lines)


def _refuse_unreadable(text: str) -> None:
    if len(text.encode("utf-8", "surrogatepass")) > SIZE_LIMIT:
        raise EventFileFaults([Fault(1, "", _l("The file is larger than 1 MiB; an event takes far less."))])
    faults = [
        Fault(number, "", _l("There is a control character in this line; remove it."))
        for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1)
        if not is_writable(line)
    ]
    if faults:
        raise EventFileFaults(faults)


def _not_yaml(line: int, problem: str) -> Fault:
    return Fault(line, "", _l("This cannot be read as YAML (%(problem)s).", problem=plain(problem)))
