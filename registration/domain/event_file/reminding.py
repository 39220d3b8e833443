"""What no schema can say of a file's reminders: when each is due, what it is about, and its own words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l

from registration.domain.event_file.faults import Fault, Path
from registration.domain.event_file.reading import Document
from registration.domain.event_file.walltimes import dicts, wall_or_none
from registration.domain.wording import REMINDER_PLACEHOLDERS, REMINDER_SUBJECT_PLACEHOLDERS, check
from registration.errors import Refusal
from registration.timezones import COMMON_ZONES, to_utc

MOST_DAYS = 30
CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)


def reminder_faults(document: Document, moved: timedelta) -> Iterator[Fault]:
    """Yield what is wrong with the reminders once every wall time is moved by `moved`."""
    given = document.root.get("reminders")
    for place, reminder in enumerate(given if isinstance(given, list) else []):
        if isinstance(reminder, dict):
            path = ("reminders", place)
            yield from _ways(document, path, reminder)
            yield from _unknown_sessions(document, path, reminder)
            yield from _clock_faults(document, path, reminder, moved)
            yield from _word_faults(document, path, reminder)


def clock_of(written: object) -> time | None:
    """Return the time of day that "18:00" is, or None where it is none."""
    good = isinstance(written, str) and CLOCK.fullmatch(written)
    return time.fromisoformat(str(written)) if good else None


def _ways(document: Document, path: Path, reminder: dict[str, Any]) -> Iterator[Fault]:
    """There is one way to say when: so many minutes before, or a clock time so many days before."""
    on_day = [name for name in ("days_before", "at") if name in reminder]
    if "minutes_before" in reminder:
        for name in on_day:
            yield document.fault((*path, name), _l("This does not go with “minutes_before”; keep one of them."))
    elif not on_day:
        yield document.fault(
            (*path, "minutes_before"), _l("This is missing; add it, or “days_before” and “at” in its place.")
        )
    else:
        for missing in {"days_before", "at"}.difference(on_day):
            yield document.fault((*path, missing), _l("This is missing; add it."))


def _unknown_sessions(document: Document, path: Path, reminder: dict[str, Any]) -> Iterator[Fault]:
    known = [session.get("slug") for session in dicts(document.root.get("sessions"))]
    named = reminder.get("sessions")
    for index, slug in enumerate(named if isinstance(named, list) else []):
        if slug not in known:
            yield document.fault((*path, "sessions", index), _l("There is no such session in this file; add it."))


def _clock_faults(document: Document, path: Path, reminder: dict[str, Any], moved: timedelta) -> Iterator[Fault]:
    """A clock time is looked at on the day of each session that the reminder is about."""
    zone, days, clock = document.root.get("zone"), reminder.get("days_before"), clock_of(reminder.get("at"))
    if not isinstance(zone, str) or zone not in COMMON_ZONES or clock is None:
        return
    if not isinstance(days, int) or not 0 <= days <= MOST_DAYS:
        return
    starts = list(_starts(document, reminder, moved))
    dues = [datetime.combine(start.date() - timedelta(days=days), clock) for start in starts]
    for due in dues:
        try:
            to_utc(due, zone)
        except Refusal as refusal:
            yield document.fault((*path, "at"), refusal.sentence)
    if starts and all(due >= start for due, start in zip(dues, starts, strict=True)):
        yield document.fault((*path, "at"), _l("No session starts later on its day than this; choose an earlier time."))


def _starts(document: Document, reminder: dict[str, Any], moved: timedelta) -> Iterator[datetime]:
    """Yield the wall times at which the sessions start that a reminder is about, and that take place."""
    named = reminder.get("sessions") or None
    for session in dicts(document.root.get("sessions")):
        wall = wall_or_none(session.get("starts"))
        is_meant = not isinstance(named, list) or session.get("slug") in named
        if wall and is_meant and session.get("state") != "cancelled":
            yield wall + moved


def _word_faults(document: Document, path: Path, reminder: dict[str, Any]) -> Iterator[Fault]:
    if "subject" in reminder and "text" not in reminder:
        yield document.fault((*path, "text"), _l("There is a subject; write the text too."))
    for name, known in (("subject", REMINDER_SUBJECT_PLACEHOLDERS), ("text", REMINDER_PLACEHOLDERS)):
        given = reminder.get(name)
        texts = given.items() if isinstance(given, dict) else [(None, given)]
        for language, words in texts:
            place = (*path, name, language) if language else (*path, name)
            try:
                check(words if isinstance(words, str) else "", known)
            except Refusal as refusal:
                yield document.fault(place, refusal.sentence)
