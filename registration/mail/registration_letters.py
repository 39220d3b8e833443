"""What people are told of their registration: a function per message.

Calendar files go with them to who is not invited by mail; invitations come one by one (see `session_letters`).
"""

from __future__ import annotations

from collections.abc import Sequence

from registration.domain import admission
from registration.domain.calendar_entries import labels, language_asked, own_entry
from registration.domain.calendars.building import download_bytes
from registration.domain.invitations import by_invitation, told_by_registration_mail
from registration.domain.link_keys import LinkKind
from registration.domain.owing import invitations_wait
from registration.domain.programme import takes_place
from registration.mail.letter import CalendarFile, Letter, write
from registration.mail.own_words import own_words
from registration.mail.reader import Reader, SessionLine
from registration.models import Delivery, EventSession
from registration.models.invitation import Standing
from registration.models.registration import RegistrationState
from registration.timetext import moment_text


def prove(reader: Reader, deliveries: Sequence[Delivery]) -> Letter:
    """Ask the owner of the address for proof. Nothing that a stranger may have typed is in it, not even the name."""
    registration = reader.registration
    until = moment_text(deliveries[0].useful_until, registration.zone, registration.language)
    link = reader.link("signup.prove_page", LinkKind.PROVE, lang=language_asked(registration))
    return write("prove", reader, link=link, until=until)


def already(reader: Reader, _deliveries: Sequence[Delivery]) -> Letter:
    """Say that somebody signed up again with the address of a registration that stands."""
    return write("already", reader)


def link(reader: Reader, _deliveries: Sequence[Delivery]) -> Letter:
    """Send the lost link again."""
    return write("link", reader)


def in_review(reader: Reader, _deliveries: Sequence[Delivery]) -> Letter:
    """Say that organizers decide about the registration."""
    return write("in_review", reader, sessions=reader.lines(reader.sessions))


def waiting(reader: Reader, _deliveries: Sequence[Delivery]) -> Letter:
    """Say where the person stands on the waiting list."""
    return write("waiting", reader, position=admission.position(reader.registration))


def confirmed(reader: Reader, _deliveries: Sequence[Delivery]) -> Letter:
    """Confirm: times first, where to watch, the calendar files, and last the link to change or cancel."""
    return _of_sessions("confirmed", reader)


def changed(reader: Reader, _deliveries: Sequence[Delivery]) -> Letter:
    """Say what stands after the person has changed something."""
    return _of_sessions("changed", reader)


def declined(reader: Reader, _deliveries: Sequence[Delivery]) -> Letter:
    """Say that the registration was declined, and why; a discreet person reads the reason on the own page."""
    told = told_by_registration_mail(reader.registration)
    return write("declined", reader, reason=reader.personal.reason, told=told)


def cancelled(reader: Reader, _deliveries: Sequence[Delivery]) -> Letter:
    """Confirm that the registration is cancelled."""
    return write("cancelled", reader, told=told_by_registration_mail(reader.registration))


def farewell(reader: Reader, _deliveries: Sequence[Delivery]) -> Letter:
    """Say that all is erased, when, and what stays. It leads nowhere: every key has ended.

    No calendar file takes entries back: what was sent to make them is forgotten already.
    """
    registration = reader.registration
    since = registration.leaving_since or reader.now
    return write("farewell", reader, erased_at=moment_text(since, registration.zone, registration.language))


def reminder(reader: Reader, deliveries: Sequence[Delivery]) -> Letter:
    """Remind of the sessions that are near, in the own words of the rule they are due by where it has some."""
    due = {delivery.session_id for delivery in deliveries}
    sessions = [session for session in reader.registration.event.sessions if session.id in due]
    minutes = max(0, round((sessions[0].starts_at - reader.now).total_seconds() / 60))
    lines, rules = reader.lines(sessions), {delivery.rule for delivery in deliveries}
    rule = rules.pop() if len(rules) == 1 else None
    words = own_words(reader, rule.subject, rule.text, _reminder_values(reader, lines)) if rule else None
    return write("reminder", reader, sessions=lines, minutes=minutes, words=words, unsubscribable=True)


def _reminder_values(reader: Reader, lines: Sequence[SessionLine]) -> dict[str, str]:
    """Return what stands for the placeholders of a reminder; time and watch page are those of the first session."""
    first = lines[0].times[0]
    return {
        "name": reader.personal.name,
        "event": reader.title,
        "session": "; ".join(line.title for line in lines),
        "time": f"{first.date}, {first.starts} ({first.where})",
        "watch_page": lines[0].watch_url,
        "own_page": reader.link("participant.enter", LinkKind.MANAGE),
    }


def calendar_file(reader: Reader, session: EventSession, number: int) -> CalendarFile:
    """Return a session's file for this person, the `number`th of the letter."""
    if reader.discreet:
        title, name = reader.title, f"meeting-{number}.ics"
    else:
        title, name = None, f"{session.event.slug}-{session.slug}.ics"
    held = {one.session_id: one for one in reader.registration.invitations_held}
    entry = own_entry(session, reader.registration, discreet_title=title, invitation=held.get(session.id))
    return CalendarFile(name, download_bytes([entry], language=reader.registration.language, labels=labels()))


def _of_sessions(name: str, reader: Reader) -> Letter:
    """Who is invited gets no file, nor who has an invitation to be taken back: its end would end the file's entry."""
    registration = reader.registration
    is_confirmed = registration.state is RegistrationState.CONFIRMED
    invited = {one.session_id for one in registration.invitations_held if one.standing is Standing.INVITED}
    wants_files = is_confirmed and not by_invitation(registration)
    numbered = enumerate(reader.sessions, 1) if wants_files else ()
    return write(
        name,
        reader,
        sessions=reader.lines(reader.sessions),
        invited=invitations_wait(registration) and by_invitation(registration),
        files=[
            calendar_file(reader, session, number)
            for number, session in numbered
            if takes_place(session) and session.id not in invited
        ],
        told=told_by_registration_mail(registration),
    )
