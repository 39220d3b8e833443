"""Plain values from the events of a YAML parser.

No constructor stands between: there are no tags, anchors or aliases to follow, so a file can neither make
objects nor grow, names cannot hide each other, and everything has its line. Plain scalars are read by the
core schema of YAML 1.2 (chapter 10.3) without its floats, which no field takes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NoReturn

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceStartEvent,
)

from registration.domain.event_file.faults import Fault, Path, field_name
from registration.text import clean_lines, is_writable

DEPTH_LIMIT = 16
"""The format itself is nine deep."""
NUMBER = re.compile(r"[-+]?[0-9]{1,15}")
WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}


class CannotGoOn(Exception):
    """What follows the last fault makes no sense any more."""


@dataclass
class _Open:
    """A mapping or sequence whose end has not come yet; `key` waits for its value."""

    value: dict[str, Any] | list[Any]
    path: Path
    key: str | None = None


@dataclass
class Builder:
    """Builds the value of a file, without recursion. `root`, `lines` and `faults` are what it found; `spans` says, in
    order, where each text begins and ends (characters from the file's beginning) and to what it belongs."""

    root: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    spans: list[tuple[int, int, Path]] = field(default_factory=list)
    _stack: list[_Open] = field(default_factory=list)
    _documents: int = 0

    def take(self, event: Event, line: int) -> None:
        """Take the parser's next event, from the given line (from 1). Raises CannotGoOn."""
        if isinstance(event, NodeEvent):
            self._take_node(event, line)
        elif isinstance(event, CollectionEndEvent):
            self._stack.pop()
        elif isinstance(event, DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._stop(line, (), _l("A second document begins here; keep one event in one file."))

    def place(self, line: int) -> Path:
        """Return where it stands in the line it came to: at what that line names, or in what is open around it."""
        newest = next(reversed(self.lines), ())
        if self.lines.get(newest) == line:
            return newest
        around = self._stack[-1] if self._stack else None
        if around is None or around.key is None:
            return around.path if around else ()
        return (*around.path, around.key)

    def _take_node(self, event: NodeEvent, line: int) -> None:
        around = self._stack[-1] if self._stack else None
        if around and isinstance(around.value, dict) and around.key is None:
            self._take_key(around, event, line)
            return
        path = _next_path(around)
        self.lines.setdefault(path, line)
        self._note_span(event, path)
        self._refuse_extras(event, path, line)
        value = self._value(event, path, line)
        self._place(around, value)
        if isinstance(value, dict | list):
            self._open(value, path, line)

    def _take_key(self, around: _Open, event: NodeEvent, line: int) -> None:
        if not isinstance(event, ScalarEvent):
            self._stop(line, around.path, _l("A name must stand here, and a colon after it."))
        self._refuse_extras(event, around.path, line)
        self._note_span(event, around.path)
        key = str(event.value)
        if "\n" in key or not is_writable(key):
            self._stop(line, around.path, _l("There is a control character in a name; remove it."))
        path = (*around.path, key)
        if key in around.value:
            self._fault(line, path, _l("This name stands here for the second time; keep one."))
        self.lines[path] = line
        around.key = key

    def _value(self, event: NodeEvent, path: Path, line: int) -> Any:
        if isinstance(event, MappingStartEvent):
            return {}
        if isinstance(event, SequenceStartEvent):
            return []
        if not isinstance(event, ScalarEvent):
            return None
        if not is_writable(event.value):
            self._fault(line, path, _l("There is a control character in this text; remove it."))
        return event.value if event.style else _plain_scalar(event.value)

    def _place(self, around: _Open | None, value: Any) -> None:
        value = clean_lines(value) if isinstance(value, str) else value
        if around is None:
            self.root = value
        elif isinstance(around.value, list):
            around.value.append(value)
        else:
            around.value[around.key or ""] = value
            around.key = None

    def _open(self, value: dict[str, Any] | list[Any], path: Path, line: int) -> None:
        self._stack.append(_Open(value, path))
        if len(self._stack) > DEPTH_LIMIT:
            self._stop(line, path, _l("This is nested too deeply for an event file."))

    def _note_span(self, event: NodeEvent, path: Path) -> None:
        if isinstance(event, ScalarEvent):
            self.spans.append((event.start_mark.index, event.end_mark.index, path))

    def _refuse_extras(self, event: NodeEvent, path: Path, line: int) -> None:
        if isinstance(event, AliasEvent):
            self._fault(line, path, _l("Aliases (*name) are not read; write the value out."))
        elif event.anchor is not None:
            self._fault(line, path, _l("Anchors (&name) are not read; remove it."))
        if getattr(event, "ctag", None) is not None:
            self._fault(line, path, _l("Tags (!name) are not read; remove it."))

    def _fault(self, line: int, path: Path, sentence: LazyString) -> None:
        self.faults.append(Fault(line, field_name(path), sentence))

    def _stop(self, line: int, path: Path, sentence: LazyString) -> NoReturn:
        self._fault(line, path, sentence)
        raise CannotGoOn


def _next_path(around: _Open | None) -> Path:
    if around is None:
        return ()
    return (*around.path, len(around.value) if isinstance(around.value, list) else around.key or "")


def _plain_scalar(text: str) -> str | int | bool | None:
    if text in WORDS:
        return WORDS[text]
    return int(text) if NUMBER.fullmatch(text) else text
