"""Real calendar programs subscribe to a feed and follow it: vdirsyncer fetches it into a folder, khal reads that."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask

from registration.domain.event_file import Outcome, import_event
from registration.domain.link_keys import LinkKind, key_for
from registration.extensions import writing
from tests.conftest import LiveServer
from tests.support.clock import FakeClock
from tests.support.dialogue import DAY, EVENT, SLUG, load_dialogue, registration, take_part_by_rule
from tests.support.event_files import SAMPLE

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PROGRAMS = Path(sys.executable).parent
SECOND = "  - slug: civil-society\n    title:\n      en: Discussion, premiere"
"""Where the second session begins in the sample's file."""
VDIRSYNCER = """
[general]
status_path = "{home}/status"

[pair dialogue]
a = "folder"
b = "feed"
collections = null
conflict_resolution = "b wins"

[storage folder]
type = "filesystem"
path = "{home}/calendar"
fileext = ".ics"

[storage feed]
type = "http"
url = "{url}"
"""
KHAL = """
[calendars]
[[dialogue]]
path = {home}/calendar

[locale]
local_timezone = Asia/Kathmandu
default_timezone = Asia/Kathmandu
timeformat = %H:%M
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = %Y-%m-%d %H:%M
longdatetimeformat = %Y-%m-%d %H:%M
"""

FIRST_ENTRY = ("2026-05-26 19:45", "2026-05-26 23:00", "CONFIRMED", "Opening session and discussion")
SECOND_ENTRY = (
    "2026-05-27 18:45",
    "2026-05-27 22:15",
    "CONFIRMED",
    "Discussion, premiere of “VictimA” and closing session",
)
Entry = tuple[str, str, str, str]


@dataclass(frozen=True)
class Reader:
    """Somebody in Kathmandu, whose programs know nothing but this folder."""

    home: Path

    def subscribe(self, url: str) -> None:
        """Set both programs up for a feed."""
        for program, words in (("vdirsyncer", VDIRSYNCER), ("khal", KHAL)):
            folder = self.home / ".config" / program
            folder.mkdir(parents=True)
            (folder / "config").write_text(words.format(home=self.home, url=url))
        (self.home / "calendar").mkdir()
        self.run("vdirsyncer", "discover")

    def synced(self) -> list[Entry]:
        """Fetch the feed; what the calendar shows then, and that it holds each entry once."""
        self.run("vdirsyncer", "sync")
        entries = self.agenda()
        assert len(list((self.home / "calendar").iterdir())) == len(entries)
        return entries

    def agenda(self) -> list[Entry]:
        """(start, end, status, title up to the event's) of what khal shows on and around the days of the Dialogue."""
        fields = ("start-long-full", "end-long-full", "status", "title")
        wanted = [word for field in fields for word in ("--json", field)]
        shown = self.run("khal", "list", *wanted, "2026-05-20", "20d")
        days = [json.loads(line) for line in shown.splitlines()]
        found = [tuple(entry[field] for field in fields) for day in days for entry in day]
        return [(start, end, status, title.partition(" – ")[0]) for start, end, status, title in found]

    def run(self, program: str, *words: str) -> str:
        """Run a program to its good end; what it printed."""
        folders = {
            f"XDG_{kind}_HOME": str(self.home / f".{kind.lower()}") for kind in ("CONFIG", "CACHE", "DATA", "STATE")
        }
        environ = {"HOME": str(self.home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **folders}
        command = [str(PROGRAMS / program), *words]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


@pytest.fixture
def dialogue(live_server: LiveServer) -> LiveServer:
    load_dialogue(live_server.app)
    return live_server


def event_feed(server: LiveServer, clock: FakeClock) -> str:
    return f"{server.url}{EVENT}calendar.ics"


def own_feed(server: LiveServer, clock: FakeClock) -> str:
    with server.app.app_context():
        person = registration(take_part_by_rule(now=clock.now))
        return f"{server.url}/feeds/{key_for(person, LinkKind.FEED)}.ics"


def edit(app: Flask, clock: FakeClock, *edits: tuple[str, str]) -> None:
    """Take the event's file in anew, edited, a day later."""
    file = SAMPLE
    for old, new in edits:
        assert file.count(old) == 1, old
        file = file.replace(old, new)
    with app.app_context(), writing():
        result = import_event(file, as_slug=SLUG, shift_to="2026-05-26", now=clock.advance(DAY))
    assert result.outcome is Outcome.UPDATED


@pytest.mark.parametrize("feed", [event_feed, own_feed])
def test_a_subscriber_sees_each_session_once_and_always_as_it_stands(
    dialogue: LiveServer, clock: FakeClock, reader: Reader, feed: Callable[[LiveServer, FakeClock], str]
) -> None:
    reader.subscribe(feed(dialogue, clock))
    assert reader.synced() == [FIRST_ENTRY, SECOND_ENTRY]
    assert reader.synced() == [FIRST_ENTRY, SECOND_ENTRY]

    moved = (
        ("starts: 2021-05-26 09:00", "starts: 2021-05-26 07:00"),
        ("ends: 2021-05-26 12:30", "ends: 2021-05-26 10:30"),
    )
    edit(dialogue.app, clock, *moved)
    earlier = ("2026-05-27 16:45", "2026-05-27 20:15", *SECOND_ENTRY[2:])
    assert reader.synced() == [FIRST_ENTRY, earlier]

    edit(dialogue.app, clock, *moved, (SECOND, SECOND.replace("    title", "    state: cancelled\n    title")))
    assert reader.synced() == [FIRST_ENTRY, (*earlier[:2], "CANCELLED", earlier[3])]

    edit(dialogue.app, clock, (SECOND, SECOND.replace("Discussion,", "Debate,")))
    assert reader.synced() == [FIRST_ENTRY, (*SECOND_ENTRY[:3], SECOND_ENTRY[3].replace("Discussion,", "Debate,"))]


def test_a_file_taken_in_after_the_session_has_moved_replaces_the_entry(
    dialogue: LiveServer, clock: FakeClock, reader: Reader, tmp_path: Path
) -> None:
    """By its UID, which khal keeps; vdirsyncer gives the entries of a feed names of its own."""

    def after_taking_the_file_in() -> list[Entry]:
        file = tmp_path / "sessions.ics"
        file.write_bytes(dialogue.app.test_client().get(f"{EVENT}sessions.ics").data)
        reader.run("khal", "import", "--batch", str(file))
        return reader.agenda()

    reader.subscribe(event_feed(dialogue, clock))
    assert after_taking_the_file_in() == [FIRST_ENTRY, SECOND_ENTRY]
    edit(dialogue.app, clock, ("ends: 2021-05-26 12:30", "ends: 2021-05-26 13:00"))
    longer = (SECOND_ENTRY[0], "2026-05-27 22:45", *SECOND_ENTRY[2:])
    assert after_taking_the_file_in() == [FIRST_ENTRY, longer]
