"""The letters: what each message says, one function per message, with three templates (subject, text, HTML).

Everything is written in the person's own language and zone. In discreet mode the same letters speak of a neutral title
and lead to neutral addresses; no word of the event is in them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import render_template
from flask_babel import force_locale
from flask_babel import gettext as _

from registration.domain import admission
from registration.domain.calendar_entries import labels, language_asked, neutral_title, own_entry, watch_url
from registration.domain.calendars.building import download_bytes
from registration.domain.link_keys import LinkKind, key_for
from registration.domain.livestream import public_streams, rooms
from registration.domain.personal import Personal, open_personal
from registration.domain.programme import takes_place
from registration.domain.signup import is_discreet
from registration.links import public_url
from registration.models import Delivery, EventSession, Registration, Stream
from registration.models.delivery import DeliveryKind as Kind
from registration.models.programme import StreamKind
from registration.models.registration import RegistrationState
from registration.text import clean_line, in_language
from registration.timetext import ZoneTimes, all_times, moment_text


@dataclass(frozen=True)
class CalendarFile:
    """An .ics file that goes with a letter."""

    name: str
    octets: bytes


@dataclass(frozen=True)
class Letter:
    """What one person is told: words and files, and whom it comes from and answers go to."""

    to: str
    sender_name: str
    reply_to: str
    language: str
    subject: str
    text: str
    html: str
    files: list[CalendarFile] = field(default_factory=list)


@dataclass(frozen=True)
class SessionLine:
    """A session as a letter shows it: the person's own times first, then the event's zone and UTC."""

    title: str
    times: list[ZoneTimes]
    watch_url: str
    cancelled: bool
    streams: list[Stream]
    rooms: list[Stream]


@dataclass(frozen=True)
class Reader:
    """Whom a letter is written to, and the words they may be told."""

    registration: Registration
    personal: Personal
    title: str
    discreet: bool
    """Whether others may see this person's mail and calendar."""
    now: datetime

    @property
    def sessions(self) -> list[EventSession]:
        """The sessions this person has chosen, in order of time."""
        chosen = {choice.session_id for choice in self.registration.choices}
        return [one for one in self.registration.event.sessions if one.id in chosen]


def letter_for(deliveries: Sequence[Delivery], *, now: datetime) -> Letter:
    """Return the letter that settles these deliveries: one, or the reminders that one person is due together."""
    registration = deliveries[0].registration
    with force_locale(registration.language.replace("-", "_")):
        return WRITERS[deliveries[0].kind](_reader(registration, now), deliveries)


def prove(reader: Reader, deliveries: Sequence[Delivery]) -> Letter:
    """Ask the owner of the address for proof. Nothing that a stranger may have typed is in it, not even the name."""
    registration = reader.registration
    until = moment_text(deliveries[0].useful_until, registration.zone, registration.language)
    link = _link("signup.prove_page", reader, LinkKind.PROVE, lang=language_asked(registration))
    return _letter("prove", reader, link=link, until=until)


def already(reader: Reader, _deliveries: Sequence[Delivery]) -> Letter:
    """Say that somebody signed up again with the address of a registration that stands."""
    return _letter("already", reader)


def link(reader: Reader, _deliveries: Sequence[Delivery]) -> Letter:
    """Send the lost link again."""
    return _letter("link", reader)


def in_review(reader: Reader, _deliveries: Sequence[Delivery]) -> Letter:
    """Say that organizers decide about the registration."""
    return _letter("in_review", reader, sessions=_lines(reader, reader.sessions))


def waiting(reader: Reader, _deliveries: Sequence[Delivery]) -> Letter:
    """Say where the person stands on the waiting list."""
    return _letter("waiting", reader, position=admission.position(reader.registration))


def confirmed(reader: Reader, _deliveries: Sequence[Delivery]) -> Letter:
    """Confirm: times first, where to watch, the calendar files, and last the link to change or cancel."""
    return _letter("confirmed", reader, sessions=_lines(reader, reader.sessions), files=_calendar_files(reader))


def changed(reader: Reader, _deliveries: Sequence[Delivery]) -> Letter:
    """Say what stands after the person has changed something; calendar files only where they are confirmed."""
    is_confirmed = reader.registration.state is RegistrationState.CONFIRMED
    files = _calendar_files(reader) if is_confirmed else []
    return _letter("changed", reader, sessions=_lines(reader, reader.sessions), files=files)


def declined(reader: Reader, _deliveries: Sequence[Delivery]) -> Letter:
    """Say that the registration was declined, and why; a discreet person reads the reason on the own page."""
    return _letter("declined", reader, reason=reader.personal.reason)


def cancelled(reader: Reader, _deliveries: Sequence[Delivery]) -> Letter:
    """Confirm that the registration is cancelled."""
    return _letter("cancelled", reader)


def reminder(reader: Reader, deliveries: Sequence[Delivery]) -> Letter:
    """Remind of the sessions that are near."""
    due = {delivery.session_id for delivery in deliveries}
    sessions = [session for session in reader.registration.event.sessions if session.id in due]
    minutes = max(0, round((sessions[0].starts_at - reader.now).total_seconds() / 60))
    return _letter("reminder", reader, sessions=_lines(reader, sessions), minutes=minutes)


WRITERS: dict[Kind, Callable[[Reader, Sequence[Delivery]], Letter]] = {
    Kind.PROVE: prove,
    Kind.ALREADY: already,
    Kind.LINK: link,
    Kind.IN_REVIEW: in_review,
    Kind.WAITING: waiting,
    Kind.CONFIRMED: confirmed,
    Kind.CHANGED: changed,
    Kind.DECLINED: declined,
    Kind.CANCELLED: cancelled,
    Kind.REMINDER: reminder,
}


def _reader(registration: Registration, now: datetime) -> Reader:
    personal = open_personal(registration)
    event = registration.event
    named = in_language(event.title, registration.language, event.default_language)
    discreet = is_discreet(registration)
    neutral = personal.neutral_title or neutral_title()
    return Reader(registration, personal, neutral if discreet else named, discreet, now)


def _letter(name: str, reader: Reader, *, files: Sequence[CalendarFile] = (), **facts: Any) -> Letter:
    registration, event = reader.registration, reader.registration.event
    sender = in_language(event.sender_name, registration.language, event.default_language)
    facts = {
        "reader": reader,
        "title": reader.title,
        "files": files,
        "sample": event.sample and not reader.discreet,
        "own_page": _link("participant.enter", reader, LinkKind.MANAGE),
        **facts,
    }
    return Letter(
        to=reader.personal.address,
        sender_name=clean_line(_("Meeting service") if reader.discreet else sender),
        reply_to="" if reader.discreet else event.organizer_address,
        language=registration.language,
        subject=clean_line(render_template(f"mail/{name}.subject.txt", **facts)),
        text=render_template(f"mail/{name}.txt", **facts).strip() + "\n",
        html=render_template(f"mail/{name}.html", **facts),
        files=list(files),
    )


def _link(endpoint: str, reader: Reader, kind: LinkKind, **values: str | None) -> str:
    return public_url(endpoint, key=key_for(reader.registration, kind), **values)


def _lines(reader: Reader, sessions: Sequence[EventSession]) -> list[SessionLine]:
    return [_line(reader, session) for session in sessions]


def _line(reader: Reader, session: EventSession) -> SessionLine:
    registration = reader.registration
    title = in_language(session.title, registration.language, session.event.default_language)
    live = public_streams(session, StreamKind.LIVE, registration.stream_language)
    return SessionLine(
        title=reader.title if reader.discreet else title,
        times=all_times(
            session.starts_at,
            session.ends_at,
            session.event.zone,
            registration.language,
            registration.zone,
        ),
        watch_url=watch_url(session, registration, discreet=reader.discreet),
        cancelled=not takes_place(session),
        streams=[] if reader.discreet else live[:1],
        rooms=[] if reader.discreet else rooms(session, registration),
    )


def _calendar_files(reader: Reader) -> list[CalendarFile]:
    files = []
    for number, session in enumerate(reader.sessions, 1):
        if not takes_place(session):
            continue
        if reader.discreet:
            title, name = reader.title, f"meeting-{number}.ics"
        else:
            title, name = None, f"{session.event.slug}-{session.slug}.ics"
        entry = own_entry(session, reader.registration, discreet_title=title)
        octets = download_bytes([entry], language=reader.registration.language, labels=labels())
        files.append(CalendarFile(name, octets))
    return files
