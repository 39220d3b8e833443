"""YAML text -> plain values, and the line of each."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
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
STAND_IN = "\N{REPLACEMENT CHARACTER}"
TAB = repr("\t")
"""As the parser's messages show it."""


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
    builder = _build(text)
    if builder.faults:
        raise EventFileFaults(builder.faults)
    return Document(builder.root, builder.lines)


def _build(text: str) -> Builder:
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
        line = mark.line + 1 if mark else line
        builder.faults.append(_not_yaml(line, builder.place(line), str(error.problem or error.context)))
    except YAMLError as error:
        builder.faults.append(_not_yaml(line, (), str(error)))
    except (ValueError, OverflowError):
        # Python's own: a \U escape that is no character, a %YAML version of 5000 digits.
        out_of_range = _l("This cannot be read as YAML: a number in it is out of range.")
        builder.faults.append(Fault(line, field_name(builder.place(line)), out_of_range))
    return builder


def _refuse_unreadable(text: str) -> None:
    if len(text.encode("utf-8", "surrogatepass")) > SIZE_LIMIT:
        raise EventFileFaults([Fault(1, "", _l("The file is larger than 1 MiB; an event takes far less."))])
    text = text.replace("\r\n", "\n")
    if not all(is_writable(line) for line in text.split("\n")):
        raise EventFileFaults(list(_control_faults(text)))


def _control_faults(text: str) -> Iterator[Fault]:
    """Yield each control character; what it belongs to shows where the text is read with others in their place."""
    bad = [index for index, character in enumerate(text) if not is_writable(character)]
    stands_in = dict.fromkeys((ord(text[index]) for index in bad), STAND_IN)
    spans = _build(text.translate(stands_in)).spans
    begins = [start for start, _, _ in spans]
    line, counted = 1, 0
    told: set[tuple[int, Path]] = set()
    for index in bad:
        line, counted = line + text.count("\n", counted, index), index
        near = bisect_right(begins, index) - 1
        path = spans[near][2] if near >= 0 and index < spans[near][1] else ()
        if (line, path) not in told:
            yield Fault(line, field_name(path), _l("There is a control character in this line; remove it."))
        told.add((line, path))


def _not_yaml(line: int, path: Path, problem: str) -> Fault:
    if TAB in problem:
        return Fault(line, field_name(path), _l("A tab stands here; write spaces in its place."))
    return Fault(line, field_name(path), _l("This cannot be read as YAML (%(problem)s).", problem=plain(problem)))
