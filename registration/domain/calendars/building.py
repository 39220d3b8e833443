"""Calendar files: downloads and feeds (RFC 5545 and 7986).

They carry no METHOD, ORGANIZER or ATTENDEE: with these Outlook asks whether to accept, and then freezes the
entry. Invitations, which need all three, are made of the same `calendar_of`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from icalendar import Alarm, Calendar, Event, Timezone, vDuration, vText, vUri

from registration.domain.calendars.entry import CalendarEntry, Labels, clean, one_line
from registration.domain.calendars.vtimezone import vtimezone
from registration.errors import Refusal
from registration.timezones import UTC, to_utc, to_wall

PRODUCT = "-//Plenary//Plenary//EN"
ALARM_BEFORE = timedelta(minutes=15)
LOOK_AGAIN_AFTER = timedelta(hours=1)
# Some programs show the backslashes that escape these.
NOT_IN_NAMES = str.maketrans(dict.fromkeys(",;\\", " "))


class Text(vText):
    r"""A TEXT value, escaped as in RFC 5545 section 3.3.11; icalendar itself makes a line break of "\N"."""

    def to_ical(self) -> bytes:
        r"""Return the value with `\`, `;`, `,` and line breaks escaped."""
        escaped = self.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
        return escaped.encode()


def download_bytes(entries: Sequence[CalendarEntry], *, language: str, labels: Labels) -> bytes:
    """Return an .ics file of one session or of several; `language` is the tag (RFC 5646) of its words."""
    return written(calendar_of(entries, language=language, labels=labels))


def feed_bytes(entries: Sequence[CalendarEntry], *, name: str, language: str, labels: Labels) -> bytes:
    """Return a calendar to subscribe to: a file with its name in people's lists and when to look again."""
    calendar = calendar_of(entries, language=language, labels=labels)
    shown = Text(one_line(name.translate(NOT_IN_NAMES)))
    calendar.add("NAME", shown)
    calendar.add("X-WR-CALNAME", shown)
    calendar.add("REFRESH-INTERVAL", LOOK_AGAIN_AFTER, parameters={"VALUE": "DURATION"})
    calendar.add("X-PUBLISHED-TTL", vDuration(LOOK_AGAIN_AFTER).to_ical().decode())
    return written(calendar)


def calendar_of(entries: Sequence[CalendarEntry], *, language: str, labels: Labels) -> Calendar:
    """Return a calendar of the entries, led by the time zones that they name."""
    calendar = Calendar()
    calendar.add("VERSION", "2.0")
    calendar.add("PRODID", PRODUCT)
    calendar.add("CALSCALE", "GREGORIAN")
    zones = _zones(entries)
    for zone in zones.values():
        calendar.add_component(zone)
    for entry in entries:
        calendar.add_component(vevent(entry, zones, language=language, labels=labels))
    return calendar


def written(calendar: Calendar) -> bytes:
    """Return a calendar as the bytes of a file."""
    data: bytes = calendar.to_ical()
    return data


def vevent(entry: CalendarEntry, zones: Collection[str], *, language: str, labels: Labels) -> Event:
    """Return the VEVENT of an entry, in its zone's wall time if the calendar states that among its `zones`.

    Otherwise, and where a wall time stands for two instants as the clocks go back, it is in UTC.
    """
    event = Event()
    event.add("UID", Text(entry.uid))
    event.add("SEQUENCE", entry.sequence)
    event.add("STATUS", "CANCELLED" if entry.cancelled else "CONFIRMED")
    event.add("TRANSP", "OPAQUE")
    if entry.discreet:
        event.add("CLASS", "PRIVATE")
    _add_times(event, entry, zones)
    _add_words(event, entry, language, labels)
    if not entry.cancelled:
        event.add_component(_alarm(entry, labels))
    return event


def _add_times(event: Event, entry: CalendarEntry, zones: Collection[str]) -> None:
    walls = [to_wall(moment, entry.zone) for moment in (entry.starts_at, entry.ends_at)]
    if entry.zone not in zones or not all(_names_one_instant(wall, entry.zone) for wall in walls):
        walls = [wall.astimezone(UTC) for wall in walls]
    event.add("DTSTART", walls[0])
    event.add("DTEND", walls[1])
    event.add("CREATED", entry.created_at)
    event.add("LAST-MODIFIED", entry.updated_at)
    event.add("DTSTAMP", entry.updated_at)


def _add_words(event: Event, entry: CalendarEntry, language: str, labels: Labels) -> None:
    url = one_line(entry.watch_url)
    description = f"{one_line(labels.watch)}\n{url}\n\n{clean(entry.description)}".rstrip()
    event.add("SUMMARY", Text(one_line(entry.title), params={"LANGUAGE": language}))
    event.add("DESCRIPTION", Text(description, params={"LANGUAGE": language}))
    event.add("LOCATION", Text(url))
    event.add("URL", vUri(url))
    conference = {"VALUE": "URI", "FEATURE": ["AUDIO", "VIDEO"], "LABEL": one_line(labels.watch)}
    event.add("CONFERENCE", vUri(url, params=conference))


def _alarm(entry: CalendarEntry, labels: Labels) -> Alarm:
    alarm = Alarm()
    alarm.add("ACTION", "DISPLAY")
    alarm.add("DESCRIPTION", Text(one_line(f"{labels.alarm} – {entry.title}")))
    alarm.add("TRIGGER", -ALARM_BEFORE)
    return alarm


def _zones(entries: Sequence[CalendarEntry]) -> dict[str, Timezone]:
    """Return those of the entries' zones that yearly rules state for all the years of the entries in them."""
    years: dict[str, set[int]] = {}
    for entry in entries:
        for moment in (entry.starts_at, entry.ends_at):
            years.setdefault(entry.zone, set()).add(to_wall(moment, entry.zone).year)
    stated = {name: vtimezone(name, min(of_zone), max(of_zone)) for name, of_zone in years.items()}
    return {name: zone for name, zone in stated.items() if zone is not None}


def _names_one_instant(wall: datetime, zone_name: str) -> bool:
    try:
        to_utc(wall.replace(tzinfo=None), zone_name)
    except Refusal:
        return False
    return True
