"""Every calendar file, read back by ical.js: what it finds is what was put in, at the same instants.

ical.js shares no code with what writes the files, refuses what is not well formed, and knows of a time zone only what
the file itself says of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import unquote

import pytest
import pytz
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from registration.domain.calendars.building import NOT_IN_NAMES, download_bytes, feed_bytes
from registration.domain.calendars.entry import CalendarEntry, Labels, clean, one_line
from registration.domain.calendars.invitations import Convener, Method, invitation_bytes
from tests.domain.test_calendars import LABELS, PLACES, an_entry, download, second_session, times, utc
from tests.support.ical_reader import CalendarReader, Person, ReadCalendar, ReadEntry, UnreadableError, broken_lines

MINUTE = timedelta(minutes=1)
AROUND_A_CHANGE = [(-61, -1), (-60, 0), (-30, 30), (-180, 180), (0, 60), (60, 120)]
"""When sessions start and end, in minutes from a change of the clocks: before, until, across, from, and after it."""
BEFORE_AND_FROM = [(-61, -1), (0, 60)]
BRIEF = an_entry(title="Session", description="", watch_url="https://example.org/1")
"""Of few words: thousands of files are written of it."""
FIVE_YEARS = range(2022, 2027)
CONVENER = Convener(name="Dialogue", address="replies@example.org")
AMINA = "amina@example.org"
INVITED = {"cutype": "INDIVIDUAL", "role": "REQ-PARTICIPANT", "partstat": "NEEDS-ACTION", "rsvp": "TRUE"}

LONGEST = 10_000
SCRIPTS = {
    "Latin": "Señorías, ça và: Łódź; Đà Nẵng",
    "Arabic": "حقوق الإنسان، والمجتمع المدني",
    "Cyrillic": "Права человека; общество: їжак",
    "Chinese": "人权与民间社会，全球对话𠮷野家",
    "Devanagari": "मानवाधिकार और नागरिक समाज क्ष्म",
    "emoji": "👩🏽‍🚀👨‍👩‍👧‍👦🇳🇵❤️‍🔥1️⃣",
}
AWKWARD = [
    ",", ";", ":", '"', "'", "\\", "\\n", "\\N", "\\,", "^", "^n", "^'", "%", "%(x)b", "&amp;", "<b>", "{0}", "=", "@",
    " ", "\t", "\n", "\r", "\r\n", "\n ", "\0", "\x07", "\x1b[31m", "\x7f", "\x85", "\x9b", "\u2028", "\u2029",
    "\ud800", "\udfff", "\ufeff", "\ufffe", "\u202e", "\u202c", "\u2066", "\u2069", "\u200d", "\u200f", "\u0301",
    "BEGIN:VEVENT", "END:VCALENDAR\r\n", "\r\nATTENDEE:mailto:x@example.org", "\nSEQUENCE:9\r\n",
]  # fmt: skip
_pieces = st.sampled_from([*SCRIPTS.values(), *AWKWARD]) | st.text(st.characters(exclude_categories=()), max_size=20)
_short = st.lists(_pieces, max_size=12).map("".join)
_long = st.builds(lambda words, times: (words * times)[:LONGEST], _short, st.sampled_from([10, 100, LONGEST]))
words = _short | _long
moments = st.datetimes(datetime(2007, 1, 1), datetime(2036, 12, 28), timezones=st.just(pytz.utc))  # noqa: DTZ001
sessions = st.builds(
    lambda zone, start, length: an_entry(zone=zone, starts_at=start, ends_at=start + length * MINUTE),
    st.sampled_from(pytz.common_timezones),
    moments.map(lambda moment: moment.replace(second=0, microsecond=0)),
    st.integers(1, 3 * 24 * 60),
)
tried_often = hypothesis_settings(max_examples=100, deadline=None)


def feed(*entries: CalendarEntry) -> bytes:
    return feed_bytes(entries, name="Dialogue", language="en", labels=LABELS)


def request(entry: CalendarEntry) -> bytes:
    return invitation_bytes(
        entry, method=Method.REQUEST, language="en", labels=LABELS, convener=CONVENER, attendee=AMINA
    )


def cancel(entry: CalendarEntry) -> bytes:
    taken_back = replace(entry, cancelled=True)
    return invitation_bytes(
        taken_back, method=Method.CANCEL, language="en", labels=LABELS, convener=CONVENER, attendee=AMINA
    )


def instants(entries: Iterable[CalendarEntry]) -> list[tuple[datetime, datetime]]:
    return [(one.starts_at, one.ends_at) for one in entries]


def instants_read(calendar: ReadCalendar) -> list[tuple[datetime, datetime]]:
    return [(one.start, one.end) for one in calendar.entries]


def as_read(entry: CalendarEntry, labels: Labels = LABELS, language: str = "en") -> ReadEntry:
    """Return what a reader has to find of an entry that nobody is invited to; the zone is New York's."""
    url, title = one_line(entry.watch_url), one_line(entry.title)
    alarm = {timedelta(minutes=-15): one_line(f"{labels.alarm} – {entry.title}")}
    return ReadEntry(
        uid=entry.uid,
        zone="America/New_York",
        start=entry.starts_at,
        end=entry.ends_at,
        stamp=entry.updated_at,
        summary=title,
        description=f"{one_line(labels.watch)}\n{url}\n\n{clean(entry.description)}".rstrip(),
        location=url,
        url=url,
        conference=url,
        language=language,
        status="CANCELLED" if entry.cancelled else "CONFIRMED",
        sequence=entry.sequence,
        access="PRIVATE" if entry.discreet else None,
        organizer=None,
        attendees=[],
        alarms={} if entry.cancelled else alarm,
    )


def test_each_kind_of_file_says_what_was_put_in(calendar_reader: CalendarReader) -> None:
    first, second = an_entry(), second_session(cancelled=True, discreet=True)
    read = [as_read(first), as_read(second)]
    parties = {
        "organizer": Person("mailto:replies@example.org", "Dialogue", {}),
        "attendees": [Person("mailto:amina@example.org", None, INVITED)],
    }
    files = [download(first), download(first, second), feed(first, second), request(first), cancel(second)]
    zones = ["America/New_York"]
    assert calendar_reader.read_all(files) == [
        ReadCalendar(None, None, zones, read[:1]),
        ReadCalendar(None, None, zones, read),
        ReadCalendar("Dialogue", None, zones, read),
        ReadCalendar(None, "REQUEST", zones, [replace(read[0], **parties)]),
        ReadCalendar(None, "CANCEL", zones, [replace(read[1], **parties)]),
    ]
    assert [broken_lines(file) for file in files] == [[]] * len(files)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (b"TZID:America/New_York", b"TZID:America/Toronto"),
        (b"END:VEVENT\r\n", b""),
        (b"BEGIN:VCALENDAR", b"\xef\xbb\xbfBEGIN:VCALENDAR"),
        (b"Human", b"Hum\xffn"),
        (b"UID:", b"UID:other\r\nUID:"),
        (b"STATUS:", b"BEGIN VEVENT\r\nSTATUS:"),
    ],
)
def test_the_reader_refuses_what_is_no_good_file(calendar_reader: CalendarReader, right: bytes, wrong: bytes) -> None:
    with pytest.raises(UnreadableError):
        calendar_reader.read(download(an_entry()).replace(right, wrong))


@pytest.mark.parametrize("write", [download, feed, request, cancel])
@pytest.mark.parametrize(("zone_name", "first", "second"), PLACES)
def test_the_reference_sessions_are_seen_at_the_local_time_of_each_place(
    calendar_reader: CalendarReader, write: Callable[..., bytes], zone_name: str, first: str, second: str
) -> None:
    def seen(entry: CalendarEntry) -> str:
        (read,) = calendar_reader.read(write(entry)).entries
        here = [moment.astimezone(pytz.timezone(zone_name)) for moment in (read.start, read.end)]
        day = entry.starts_at.day
        return "–".join(f"{moment:%H:%M}" if moment.day == day else f"{moment:%d %H:%M}" for moment in here)

    for zone in ("America/New_York", zone_name):
        assert [seen(an_entry(zone=zone)), seen(second_session(zone=zone))] == [first, second]


def around_changes(
    zone_name: str, year: int, spans: Iterable[tuple[int, int]] = AROUND_A_CHANGE
) -> list[CalendarEntry]:
    """Return sessions on both sides of each change of a zone's clocks in a year; one session where there is none."""
    changes = getattr(pytz.timezone(zone_name), "_utc_transition_times", ())
    found = [
        (change + start * MINUTE, change + end * MINUTE)
        for change in (pytz.utc.localize(one) for one in changes if one.year == year)
        for start, end in spans
    ]
    midsummer = (utc(f"{year}-06-21 12:00"), utc(f"{year}-06-21 13:30"))
    return [replace(BRIEF, zone=zone_name, starts_at=start, ends_at=end) for start, end in found or [midsummer]]


def misread(reader: CalendarReader, lots: Iterable[list[list[CalendarEntry]]]) -> list[tuple[str, datetime]]:
    """Return (zone, start) of the entries that ical.js finds at other instants.

    A lot is a list of files; each file, a list of entries. While one lot is written, the one before is read.
    """

    def wrong(lot: list[list[CalendarEntry]], files: list[bytes]) -> list[tuple[str, datetime]]:
        found = itertools.chain(*map(instants_read, reader.read_all(files)))
        entries = list(itertools.chain(*lot))
        compared = zip(entries, instants(entries), found, strict=True)
        return [(entry.zone, entry.starts_at) for entry, put_in, read in compared if put_in != read]

    with ThreadPoolExecutor(max_workers=1) as aside:
        reading = [aside.submit(wrong, lot, [download(*entries) for entries in lot]) for lot in lots]
    return list(itertools.chain(*(one.result() for one in reading)))


def test_a_file_for_each_session_around_every_change_of_clocks(calendar_reader: CalendarReader) -> None:
    zones_and_years = itertools.product(pytz.common_timezones, FIVE_YEARS)
    lots = ([[entry] for entry in around_changes(*one)] for one in zones_and_years)
    assert misread(calendar_reader, lots) == []


def test_a_file_of_all_sessions_around_the_changes_of_five_years(calendar_reader: CalendarReader) -> None:
    lots = (
        [[entry for year in FIVE_YEARS for entry in around_changes(zone, year, BEFORE_AND_FROM)]]
        for zone in pytz.common_timezones
    )
    assert misread(calendar_reader, lots) == []


@pytest.mark.parametrize("year", [2007, 2009, 2011, 2030, 2036])
def test_a_file_of_the_sessions_around_the_changes_of_a_year(calendar_reader: CalendarReader, year: int) -> None:
    lots = ([around_changes(zone, year, BEFORE_AND_FROM)] for zone in pytz.common_timezones)
    assert misread(calendar_reader, lots) == []


def test_vobject_finds_the_same_instants() -> None:
    lots = [around_changes(zone, 2026) for zone in pytz.common_timezones]
    assert [lot[0].zone for lot in lots if times(download(*lot)) != instants(lot)] == []


@tried_often
@given(entries=st.lists(sessions, min_size=1, max_size=6))
def test_sessions_at_any_time_in_any_zones(calendar_reader: CalendarReader, entries: list[CalendarEntry]) -> None:
    single = [request(entries[0]), cancel(entries[0])]
    read = calendar_reader.read_all([download(*entries), feed(*entries), *single])
    assert [instants_read(one) for one in read] == [instants(entries)] * 2 + [instants(entries[:1])] * 2


@pytest.mark.parametrize("script", SCRIPTS)
def test_each_script_is_folded_right_wherever_the_fold_falls(calendar_reader: CalendarReader, script: str) -> None:
    """Each file has the text begin one octet further on."""
    entries = [an_entry(title="x" * shift + SCRIPTS[script] * 6, description=SCRIPTS[script]) for shift in range(75)]
    files = [download(one) for one in entries]
    assert [broken_lines(file) for file in files] == [[]] * len(files)
    assert [one.entries for one in calendar_reader.read_all(files)] == [[as_read(one)] for one in entries]


@tried_often
@given(title=words, theme=words, name=words, watch=words, url=_short)
def test_any_words_are_read_as_they_were_put_in(
    calendar_reader: CalendarReader, *, title: str, theme: str, name: str, watch: str, url: str
) -> None:
    labels = Labels(watch=watch, alarm=watch)
    first = an_entry(title=title, description=theme, watch_url=f"https://plenary.example.org/{url}")
    second = second_session(title=theme, description=title, discreet=True, cancelled=True)
    files = [
        download_bytes([first], language="en", labels=labels),
        download_bytes([first, second], language="en", labels=labels),
        feed_bytes([first, second], name=name, language="en", labels=labels),
    ]
    assert [broken_lines(file) for file in files] == [[], [], []]
    read = [as_read(first, labels), as_read(second, labels)]
    found = calendar_reader.read_all(files)
    assert [one.entries for one in found] == [read[:1], read, read]
    assert found[2].name == one_line(name.translate(NOT_IN_NAMES))


@tried_often
@given(title=words, theme=words, convener=words, attendee=st.emails())
def test_any_words_are_read_in_an_invitation_too(
    calendar_reader: CalendarReader, title: str, theme: str, convener: str, attendee: str
) -> None:
    stands = an_entry(title=title, description=theme, sequence=7)
    entries = {Method.REQUEST: stands, Method.CANCEL: replace(stands, cancelled=True)}
    for method, entry in entries.items():
        who = Convener(name=convener, address=CONVENER.address)
        file = invitation_bytes(entry, method=method, language="en", labels=LABELS, convener=who, attendee=attendee)
        assert broken_lines(file) == []
        read = calendar_reader.read(file)
        (found,) = read.entries
        (person,) = found.attendees
        assert read.method == method
        assert unquote(person.address.removeprefix("mailto:")) == attendee
        assert found.organizer == Person(
            f"mailto:{CONVENER.address}", one_line(convener.replace("\\", " ")) or None, {}
        )
        assert replace(found, organizer=None, attendees=[]) == as_read(entry)
