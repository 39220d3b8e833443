"""What people are told of a session: its invitation, what has changed, that it is off, that there is a new one.

Outlook may take the words of such a mail into the calendar, and the first link as the session's: so times and watch
page come first, the personal link last, and rooms are named on the person's own page alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from flask import current_app

from config import Settings
from registration.domain.calendar_entries import entry_title, labels, own_entry
from registration.domain.calendars.invitations import Convener, Method, invitation_bytes
from registration.domain.facts import Change
from registration.domain.invitations import notice_for, told_by
from registration.domain.notice import Notice
from registration.domain.owed import invitation_of
from registration.mail.letter import Invite, Letter, sender_name, write
from registration.mail.reader import Reader, SessionLine
from registration.mail.registration_letters import calendar_file
from registration.models import Delivery, EventSession, Invitation
from registration.models.invitation import Standing


def invitation(reader: Reader, deliveries: Sequence[Delivery]) -> Letter:
    """Bring what the reader holds of a session to what stands: invite, say what has changed, take back.

    Raises LookupError where nothing is owed.
    """
    held = invitation_of(deliveries[0])
    notice = notice_for(held) if held else None
    if held is None or notice is None:
        raise LookupError("nothing is owed about this session")
    session, before = held.session, notice.before
    invite = _invite(reader, held, notice.method) if notice.method else None
    needs_file = invite is None and notice.becomes is not Standing.CANCELLED
    told = told_by(notice, held)
    line = _line(reader, session)
    if before and notice.becomes is Standing.CANCELLED:
        line = replace(line, times=reader.times(before.starts_at, before.ends_at))
    return write(
        _template(notice),
        reader,
        session=line,
        changes={change.value for change in notice.changes},
        before=reader.times(before.starts_at, before.ends_at) if before and Change.MOVED in notice.changes else [],
        old_title=before.title if before else "",
        new_title=entry_title(session, reader.registration.language),
        method=invite.method.value if invite else "",
        is_first=notice.holds is not Standing.INVITED,
        stays=notice.becomes is not Standing.CANCELLED,
        invite=invite,
        files=[calendar_file(reader, session, 1)] if needs_file else (),
        told=[told],
        version=f"{told.sequence}/{told.standing}",
    )


def added(reader: Reader, deliveries: Sequence[Delivery]) -> Letter:
    """Say that a session was added, which the person may choose on the own page."""
    session = deliveries[0].session
    if session is None:
        raise LookupError("the session is gone")
    return write("session_added", reader, session=_line(reader, session))


def _template(notice: Notice) -> str:
    if notice.becomes is Standing.CANCELLED:
        return "session_cancelled" if notice.changes else "invitation_withdrawn"
    if notice.method is Method.CANCEL and not notice.changes:
        return "invitation_withdrawn"
    return "session_changed" if notice.changes else "invitation"


def _line(reader: Reader, session: EventSession) -> SessionLine:
    return replace(reader.line(session), rooms=[])


def _invite(reader: Reader, held: Invitation, method: Method) -> Invite | None:
    """Return the calendar part; none for who reads the replies themselves: nobody can invite themselves."""
    session, registration = held.session, held.registration
    settings: Settings = current_app.config["PLENARY"]
    if reader.personal.address.lower() == settings.reply_address.lower():
        return None
    entry = own_entry(
        session,
        registration,
        discreet_title=reader.title if reader.discreet else None,
        invitation=held,
        takes_part=method is Method.REQUEST,
    )
    octets = invitation_bytes(
        entry,
        method=method,
        language=registration.language,
        labels=labels(),
        convener=Convener(sender_name(reader), settings.reply_address),
        attendee=reader.personal.address,
    )
    return Invite(method, octets)
