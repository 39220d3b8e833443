"""Invitations as files for mails: one session, one person (iTIP, RFC 5546 sections 3.2.2 and 3.2.5).

The library takes far too long to build a file for each of a hundred thousand people. What differs between theirs are
whole content lines, so one finished file serves them all, with these lines left out to be put in.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any
from urllib.parse import quote

import pytz
from icalendar import vCalAddress

from registration.domain.calendars.building import calendar_of, written
from registration.domain.calendars.entry import CalendarEntry, Labels, one_line
from registration.timezones import UTC

FILES_KEPT = 512
"""How many files without a person one process keeps: each some kilobytes."""
# Of what an address may hold, "%/?#[]&;=" must be encoded (RFC 6068 section 2). What need not is left as it is: many
# calendar programs compare addresses as they are written.
UNENCODED = "!$'*+"
EXPECTED_OF_ATTENDEES = {
    "CUTYPE": "INDIVIDUAL",
    "ROLE": "REQ-PARTICIPANT",
    "PARTSTAT": "NEEDS-ACTION",
    "RSVP": "TRUE",
}
NOBODY = "nobody@nowhere.invalid"
NEVER = datetime(1970, 1, 1, tzinfo=pytz.utc)
_ATTENDEE = "ATTENDEE;" + ";".join(f"{name}={value}" for name, value in sorted(EXPECTED_OF_ATTENDEES.items())) + ":"
_LINE_OCTETS = 74  # as icalendar folds; with the space before what is continued these are the 75 of RFC 5545, 3.1

# What an entry holds for everybody. Reading it costs a fraction of making a second entry without the rest.
_SHARED = tuple(field.name for field in fields(CalendarEntry) if field.name not in {"sequence", "updated_at"})
_shared_values = attrgetter(*_SHARED)

# No text can look like one of these lines: a line break in a text is written "\n", and a folded line goes on with a
# space. So a name at the beginning of a line is always a property's.
_PERSONAL_LINE = re.compile(rb"^(ATTENDEE|DTSTAMP|LAST-MODIFIED|SEQUENCE)[;:].*\r\n(?: .*\r\n)*", re.MULTILINE)


class Method(enum.StrEnum):
    """What a mailed calendar file asks for: its METHOD, and the `method` of its MIME part."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


@dataclass(frozen=True)
class Convener:
    """Who invites: the name that people read and the mail address that replies go to."""

    name: str
    address: str


def invitation_bytes(
    entry: CalendarEntry, *, method: Method, language: str, labels: Labels, convener: Convener, attendee: str
) -> bytes:
    """Return the calendar file that invites one person, or takes an invitation back.

    `language` is the tag (RFC 5646) of its words; `attendee` is the mail address that the file is sent to. The bytes
    are those of `built_by_library`, most of them out of memory. Any thread may call this.

    Raises ValueError where a cancelled entry invites, one that stands is taken back, or somebody invites themselves.
    """
    _refuse_contradictions(entry, method, convener, attendee)
    stamp = f"{entry.updated_at.astimezone(UTC):%Y%m%dT%H%M%SZ}".encode()
    return _template(_shared_values(entry), method, language, labels, convener) % {
        b"ATTENDEE": _attendee_line(attendee),
        b"DTSTAMP": b"DTSTAMP:%b\r\n" % stamp,
        b"LAST-MODIFIED": b"LAST-MODIFIED:%b\r\n" % stamp,
        b"SEQUENCE": b"SEQUENCE:%d\r\n" % entry.sequence,
    }


def built_by_library(
    entry: CalendarEntry, *, method: Method, language: str, labels: Labels, convener: Convener, attendee: str
) -> bytes:
    """Return the file that `invitation_bytes` returns, built for this one person alone."""
    calendar = calendar_of([entry], language=language, labels=labels)
    calendar.add("METHOD", method.value)
    # Some programs take a backslash at the name's end as escaping the colon that follows it.
    name = one_line(convener.name.replace("\\", " "))
    for event in calendar.events:
        event.add("ORGANIZER", vCalAddress(mailto(convener.address), params={"CN": name} if name else None))
        event.add("ATTENDEE", vCalAddress(mailto(attendee), params=EXPECTED_OF_ATTENDEES))
    return written(calendar)


def mailto(address: str) -> str:
    """Return a mail address as a URI (RFC 6068 section 2)."""
    local_part, _, domain = address.rpartition("@")
    return f"mailto:{quote(local_part, safe=UNENCODED)}@{quote(domain)}"


def _refuse_contradictions(entry: CalendarEntry, method: Method, convener: Convener, attendee: str) -> None:
    if entry.cancelled != (method is Method.CANCEL):
        raise ValueError("an invitation asks for a session that takes place, or takes back a cancelled one")
    if attendee.lower() == convener.address.lower():
        raise ValueError("an invitation needs an attendee who is not the organizer")


@lru_cache(maxsize=FILES_KEPT)
def _template(
    shared_values: tuple[Any, ...], method: Method, language: str, labels: Labels, convener: Convener
) -> bytes:
    """Return a finished file with places (as of bytes' `%`) for the lines that differ between people."""
    shared = dict(zip(_SHARED, shared_values, strict=True))
    entry = CalendarEntry(**shared, sequence=0, updated_at=NEVER)
    finished = built_by_library(
        entry, method=method, language=language, labels=labels, convener=convener, attendee=NOBODY
    )
    return _PERSONAL_LINE.sub(rb"%(\1)b", finished.replace(b"%", b"%%"))


def _attendee_line(address: str) -> bytes:
    line = _ATTENDEE + mailto(address)  # in ASCII: it may be folded anywhere
    return "\r\n ".join(line[at : at + _LINE_OCTETS] for at in range(0, len(line), _LINE_OCTETS)).encode() + b"\r\n"
