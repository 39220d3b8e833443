"""Calendar files and feeds: which entries stand in them, under what name."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime

from flask_babel import force_locale
from flask_babel import lazy_gettext as _l
from sqlalchemy import Engine, bindparam, func, select

from registration.domain.calendar_entries import discreet_title, labels, own_entry, public_entry
from registration.domain.calendars.building import download_bytes, feed_bytes
from registration.domain.calendars.entry import CalendarEntry
from registration.domain.calendars.vtimezone import vtimezone
from registration.domain.personal import open_personal
from registration.domain.programme import ends_at, open_sessions, session_called
from registration.errors import NotFound
from registration.models import Event, EventSession, Invitation, Registration
from registration.models.registration import RegistrationState
from registration.text import in_language

TAKES_PART = {
    RegistrationState.CONFIRMED: True,
    RegistrationState.CANCELLED: False,
    RegistrationState.DECLINED: False,
}
"""The states in which a participant's sessions stand in their feed, and whether they take part."""
STANDING_STILL = "Africa/Abidjan"
"""A zone at UTC the whole year: calendars may not define UTC itself."""
_END = b"END:VCALENDAR\r\n"

_OWN_MARK = (
    select(
        Event.version,
        Registration.state,
        Registration.updated_at,
        Registration.feed_generation,
        Registration.feed_on,
        Registration.language,
        Registration.stream_language,
        Registration.discreet,
        Registration.sealed,
        select(func.sum(Invitation.bumps)).where(Invitation.registration_id == Registration.id).scalar_subquery(),
    )
    .join(Event, Event.id == Registration.event_id)
    .where(Registration.public_id == bindparam("public_id"))
)


@dataclass(frozen=True)
class CalendarFile:
    """A calendar as programs fetch it. `updated_at` (UTC): when anything that it is made of changed last."""

    name: str
    octets: bytes
    updated_at: datetime


def event_feed(event: Event, *, language: str) -> CalendarFile:
    """Return the feed of an event: all its sessions; cancelled ones stay in it as cancelled."""
    entries = [public_entry(one, language=language) for one in event.sessions]
    title = in_language(event.title, language, event.default_language)
    octets = feed_bytes(entries, name=title, language=language, labels=labels())
    return CalendarFile(f"{event.slug}.ics", _never_empty(octets, entries, event), _last_change(event))


def event_file(event: Event, *, language: str) -> CalendarFile:
    """Return one file of all sessions that take place."""
    entries = [public_entry(one, language=language) for one in open_sessions(event)]
    octets = download_bytes(entries, language=language, labels=labels())
    return CalendarFile(f"{event.slug}.ics", _never_empty(octets, entries, event), _last_change(event))


def session_file(event: Event, slug: str, *, language: str) -> CalendarFile:
    """Return the file of one session. Raises NotFound."""
    session = session_called(event, slug)
    octets = download_bytes([public_entry(session, language=language)], language=language, labels=labels())
    return CalendarFile(f"{event.slug}-{session.slug}.ics", octets, _last_change(event))


def own_feed(registration: Registration) -> CalendarFile:
    """Return a participant's feed, in their words: the sessions they have chosen, while they are confirmed.

    Once the registration has ended they stay in it as cancelled; before it is confirmed there are none. In discreet
    mode nothing names the event.
    """
    event, takes_part = registration.event, TAKES_PART.get(registration.state)
    chosen = [] if takes_part is None else chosen_sessions(registration)
    entries = own_entries(registration, chosen, takes_part=bool(takes_part))
    with _own_words(registration):
        title = _neutral(registration) or in_language(event.title, registration.language, event.default_language)
        octets = feed_bytes(entries, name=title, language=registration.language, labels=labels())
    name = "meetings.ics" if registration.discreet else f"{event.slug}.ics"
    changed = [registration.updated_at, _last_change(event), *(entry.updated_at for entry in entries)]
    return CalendarFile(name, _never_empty(octets, entries, event), max(changed))


def own_file(registration: Registration, called: str) -> CalendarFile:
    """Return a participant's file of the session with this code or slug. Raises NotFound where they do not take part
    in it."""
    attended = chosen_sessions(registration) if registration.state is RegistrationState.CONFIRMED else []
    session = next((one for one in attended if called in (one.code, one.slug)), None)
    if session is None:
        raise NotFound(_l("You do not take part in this session; your own page shows those that you have chosen."))
    entries = own_entries(registration, [session])
    with _own_words(registration):
        octets = download_bytes(entries, language=registration.language, labels=labels())
    name = "meeting.ics" if registration.discreet else f"{session.event.slug}-{session.slug}.ics"
    return CalendarFile(name, octets, entries[0].updated_at)


def own_entries(
    registration: Registration, sessions: Iterable[EventSession], *, takes_part: bool = True
) -> list[CalendarEntry]:
    """Return a participant's entries for these sessions, in their words.

    They date from the person's own last change at the earliest: of two with one SEQUENCE the later stands (RFC 5546,
    2.1.5), so an entry that ends or comes back is never taken for an older one.
    """
    held = {one.session_id: one for one in registration.invitations_held}
    with _own_words(registration):
        title = _neutral(registration)
    entries = [
        own_entry(one, registration, discreet_title=title, invitation=held.get(one.id), takes_part=takes_part)
        for one in sessions
    ]
    return [replace(one, updated_at=max(one.updated_at, registration.updated_at)) for one in entries]


def chosen_sessions(registration: Registration) -> list[EventSession]:
    """Return the sessions that somebody has chosen, in order of time."""
    chosen = {choice.session_id for choice in registration.choices}
    return [one for one in registration.event.sessions if one.id in chosen]


def own_mark(engine: Engine, public_id: str) -> Hashable:
    """Return what changes whenever a participant's feed or its key does; None where there is no such registration.

    Each change of a registration's own words, and of its sessions with them, seals it anew.
    """
    with engine.connect() as connection:
        row = connection.execute(_OWN_MARK, {"public_id": public_id}).first()
    return row and tuple(row)


def _own_words(registration: Registration) -> AbstractContextManager[None]:
    return force_locale(registration.language.replace("-", "_"))


def _neutral(registration: Registration) -> str | None:
    """Return what everything is called for somebody whose calendar others may see; None for others."""
    if not registration.discreet:
        return None
    return discreet_title(open_personal(registration))


def _last_change(event: Event) -> datetime:
    return max([event.updated_at, *(one.updated_at for one in event.sessions)])


def _never_empty(octets: bytes, entries: Sequence[CalendarEntry], event: Event) -> bytes:
    """Return a calendar with the event's time zone in it if it has no entries: one component there must be (RFC 5545,
    3.6)."""
    if entries:
        return octets
    year = ends_at(event).year
    zone = vtimezone(event.zone, year, year) or vtimezone(STANDING_STILL, year, year)
    return octets.removesuffix(_END) + (zone.to_ical() if zone else b"") + _END
