"""What a calendar is told of a session, and the words around it: plain values, filled in by the caller."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from registration.text import BIDI_CONTROLS, clean_lines

UID_OCTETS = 255  # RFC 7986 section 5.3

# Control characters, byte order marks, lone surrogates, and what turns the direction of text around it.
_UNWANTED = re.compile(f"[\x00-\x09\x0b-\x1f\x7f-\x9f\ufeff\ud800-\udfff{BIDI_CONTROLS}]")


@dataclass(frozen=True)
class CalendarEntry:
    """One session as it stands in a calendar.

    `uid` never changes and is the same in downloads, feeds and mails. `starts_at` and `ends_at` are aware
    instants, `zone` is the IANA zone whose wall time the session keeps. `created_at` and `updated_at` (aware)
    come from the data, never from the clock: the same data makes the same bytes. `watch_url` is a public
    page, or the neutral address for discreet readers; a personal link never stands in an entry, because
    people share their calendars.

    Raises ValueError for a time without a zone or a uid over 255 octets.
    """

    uid: str
    title: str
    description: str
    starts_at: datetime
    ends_at: datetime
    zone: str
    watch_url: str
    sequence: int
    created_at: datetime
    updated_at: datetime
    cancelled: bool = False
    discreet: bool = False

    def __post_init__(self) -> None:
        if len(self.uid.encode()) > UID_OCTETS:
            raise ValueError("a calendar entry's uid may have at most 255 octets")
        for moment in (self.starts_at, self.ends_at, self.created_at, self.updated_at):
            if moment.utcoffset() is None:
                raise ValueError("a calendar entry needs times with a zone")


@dataclass(frozen=True)
class Labels:
    """The words around an entry, in the reader's language."""

    watch: str  # "Watch"
    alarm: str  # "Starts in 15 minutes"


def clean(text: str) -> str:
    """Return `text` with LF for line ends, without what calendars may not hold or what misleads readers."""
    wanted = _UNWANTED.sub("", clean_lines(text.replace("\t", " ")))
    return clean_lines(wanted)  # what was removed may have stood between a letter and its mark, or before a space


def one_line(text: str) -> str:
    """Return `text` cleaned, on one line, with single spaces."""
    return " ".join(clean(text).split())
