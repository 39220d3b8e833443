"""ical.js, with which Thunderbird reads calendars: a reader that shares no code with what writes ours."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, Any

from config import ROOT

FOLDER = ROOT / "tests" / "ical_reader"


@dataclass(frozen=True)
class Person:
    """An ORGANIZER or ATTENDEE: the address with its mailto:, the CN, and the other parameters by lower-case name."""

    address: str
    name: str | None
    parameters: dict[str, Any]


@dataclass(frozen=True)
class ReadEntry:
    """A VEVENT; `start`, `end` and `stamp` are aware, in UTC. `zone`: the TZID of the start, None for UTC.

    `alarms`: what each says, by how long before the start it rings (negative).
    """

    uid: str
    zone: str | None
    start: datetime
    end: datetime
    stamp: datetime
    summary: str
    description: str
    location: str
    url: str
    conference: str
    language: str | None
    status: str
    sequence: int
    access: str | None
    organizer: Person | None
    attendees: list[Person]
    alarms: dict[timedelta, str]


@dataclass(frozen=True)
class ReadCalendar:
    """A whole file: NAME and METHOD, the TZIDs of its VTIMEZONEs, its VEVENTs in their order."""

    name: str | None
    method: str | None
    zones: list[str]
    entries: list[ReadEntry]


class UnreadableError(Exception):
    """ical.js refuses a file, or it says of a property what no good file says."""


class CalendarReader:
    """A running ical.js."""

    def __init__(self, questions: IO[str], answers: IO[str]) -> None:
        self._questions = questions
        self._answers = answers

    def read(self, file: bytes) -> ReadCalendar:
        """Read one file. Raises UnreadableError."""
        return self.read_all([file])[0]

    def read_all(self, files: Iterable[bytes]) -> list[ReadCalendar]:
        """Read many at once, which is faster. Raises UnreadableError for the first that is not readable."""
        asked = list(files)
        # It reads a line to its end before it answers, so neither waits for the other.
        self._questions.write(json.dumps([base64.b64encode(file).decode() for file in asked]) + "\n")
        self._questions.flush()
        answers = json.loads(self._answers.readline())
        return [_calendar(answer, file) for answer, file in zip(answers, asked, strict=True)]


def reader_is_there() -> bool:
    """Whether `make setup` could install ical.js."""
    return shutil.which("node") is not None and (FOLDER / "node_modules" / "ical.js").is_dir()


def broken_lines(file: bytes) -> list[bytes]:
    """Return the lines that break RFC 5545 section 3.1 as they stand in the file, each judged by itself: over 75
    octets, not UTF-8, a control character or a byte order mark, neither a property nor folded."""
    *lines, rest = file.split(b"\r\n")
    return [line for line in lines if len(line) > 75 or not _is_content(line)] + [rest] * (rest != b"")


@contextmanager
def running_reader() -> Iterator[CalendarReader]:
    """Run ical.js in a process of its own until the end of the block."""
    command = ["node", str(FOLDER / "read.mjs")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stdin
        assert process.stdout
        yield CalendarReader(process.stdin, process.stdout)


def _calendar(answer: dict[str, Any], file: bytes) -> ReadCalendar:
    if "error" in answer:
        raise UnreadableError(f"{answer['error']} in:\n{file.decode(errors='backslashreplace')}")
    found = answer["calendar"]
    entries = [_entry(**one) for one in found["events"]]
    return ReadCalendar(name=found["name"], method=found["method"], zones=found["zones"], entries=entries)


def _entry(
    *, organizer: dict[str, Any] | None, attendees: list[dict[str, Any]], alarms: list[dict[str, Any]], **plain: Any
) -> ReadEntry:
    assert {one["action"] for one in alarms} <= {"DISPLAY"}
    times: dict[str, Any] = {name: datetime.fromisoformat(plain.pop(name)) for name in ("start", "end", "stamp")}
    return ReadEntry(
        organizer=Person(**organizer) if organizer else None,
        attendees=[Person(**one) for one in attendees],
        alarms={timedelta(seconds=one["trigger"]): one["description"] for one in alarms},
        **times,
        **plain,
    )


def _is_content(line: bytes) -> bool:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return False
    return re.fullmatch(r"( |[A-Z-]+[;:])[^\x00-\x1f\x7f-\x9f\ufeff]*", text) is not None
