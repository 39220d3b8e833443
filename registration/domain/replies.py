"""Replies to invitations, as calendar programs mail them (REPLY: RFC 5546, 3.2.3; by mail: RFC 6047).

Whoever knows an address can write a reply in its name. So a reply is noted on the registration for organizers to read,
and nothing follows from it.
"""

from __future__ import annotations

import enum
import re
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from typing import Any
from urllib.parse import unquote

from icalendar.parser import Contentlines
from sqlalchemy import select

from registration.domain.personal import address_hash, mail_address
from registration.errors import Refusal
from registration.extensions import db
from registration.models import EventSession, Invitation, Registration
from registration.models.invitation import Reply
from registration.models.registration import PROVED
from registration.timezones import UTC

ANSWERS = {"ACCEPTED": Reply.ACCEPTED, "TENTATIVE": Reply.TENTATIVE, "DECLINED": Reply.DECLINED}
"""What a PARTSTAT says (RFC 5545, 3.2.12); all others answer nothing."""
LEVELS = (["VCALENDAR"], ["VCALENDAR", "VEVENT"])
"""Where the properties stand that matter: not in an alarm or a time zone."""
_CODE = re.compile(r"[A-Za-z0-9_-]{1,22}")
_LOOKED_AT = re.compile(r"(?:BEGIN|END|METHOD|UID|ATTENDEE|DTSTAMP)[;:]", re.IGNORECASE)

Property = tuple[Any, str]
"""The parameters and the value of a content line."""


@dataclass(frozen=True)
class MailedReply:
    """What a mail says in somebody's name. `uid`: whose entry it answers (`EventSession.code`); `written_at`: an aware
    instant, as the sender's clock had it, or None."""

    uid: str
    address: str
    reply: Reply
    written_at: datetime | None


class Outcome(enum.StrEnum):
    """What became of a reply."""

    NOTED = "noted"
    NOT_HELD = "not_held"
    """Nobody of this address holds an entry of this session."""
    OLDER = "older"
    """A reply written later is noted already."""


def read_reply(message: bytes) -> MailedReply | None:
    """Return the reply in a mail (RFC 5322), or None for every other mail. Raises nothing, whatever the bytes are.

    Over bytes that are made for it, it takes a long time: Python's email compares each line with every boundary.
    """
    try:
        found = (_reply(calendar) for calendar in _calendars(message_from_bytes(message)))
        return next((reply for reply in found if reply is not None), None)
    except Exception:  # noqa: BLE001 - nobody can list what parsers raise on the mails of strangers
        return None


def note(mailed: MailedReply, *, now: datetime) -> Outcome:
    """Note a reply with the invitation it answers, within the caller's unit of work.

    Replies overtake each other, so one that was written before the one known changes nothing. Clocks of senders are
    wrong, some on purpose: no reply counts as later than `now`, or as earlier than the registration.
    """
    invitation = _invitation(mailed)
    if invitation is None:
        return Outcome.NOT_HELD
    written_at = max(mailed.written_at or now, invitation.registration.created_at)
    replied_at = min(written_at, now)
    if invitation.replied_at is not None and replied_at < invitation.replied_at:
        return Outcome.OLDER
    invitation.reply, invitation.replied_at = mailed.reply, replied_at
    return Outcome.NOTED


def replies_of(registration: Registration) -> list[Invitation]:
    """Return the invitations that came back with a reply, in the order of their sessions."""
    answered = [one for one in registration.invitations_held if one.reply is not None]
    return sorted(answered, key=lambda one: one.session.starts_at)


def _invitation(mailed: MailedReply) -> Invitation | None:
    """Return the invitation, locked, that the person of this address holds of this session."""
    found = (
        select(Invitation)
        .join(Invitation.session)
        .join(Invitation.registration)
        .where(
            EventSession.code == mailed.uid,
            Registration.address_hash == address_hash(mailed.address),
            Registration.claim == PROVED,
        )
        .with_for_update(of=Invitation)
    )
    return db.session.execute(found).scalar_one_or_none()


def _calendars(message: Message) -> Iterator[str]:
    """Yield the calendar files in a mail, not those in mails that it encloses: these are somebody else's.

    All that is looked at in them is ASCII, so their charset does not matter.
    """
    parts = deque([message])
    while parts:
        part = parts.popleft()
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            parts.extend(one for one in part.get_payload() if isinstance(one, Message))
        elif part.get_content_type() == "text/calendar" or (part.get_filename() or "").lower().endswith(".ics"):
            content = part.get_payload(decode=True)
            if isinstance(content, bytes):
                yield content.decode("utf-8-sig", "replace")


def _reply(calendar: str) -> MailedReply | None:
    """Return what a calendar file replies: one entry, and one person's answer."""
    said: defaultdict[str, list[Property]] = defaultdict(list)
    for name, parameters, value in _properties(calendar):
        said[name].append((parameters, value))
    method, uid = _only(said["VCALENDAR METHOD"]), _only(said["VEVENT UID"])
    attendee = _only(said["VEVENT ATTENDEE"])
    if not (method and uid and attendee) or method[1].upper() != "REPLY" or not _CODE.fullmatch(uid[1]):
        return None
    address, answer = _address(attendee[1]), ANSWERS.get(str(attendee[0].get("PARTSTAT")).upper())
    if not address or answer is None:
        return None
    return MailedReply(uid[1], address, answer, _written_at(_only(said["VEVENT DTSTAMP"])))


def _properties(calendar: str) -> Iterator[tuple[str, Any, str]]:
    """Yield the properties that matter: the names of their component and themselves, parameters, and value.

    The calendar is not built: icalendar computes time zones from rules that a stranger wrote, and a rule of every
    second since 1601 keeps it busy for ever.
    """
    path: list[str] = []
    for line in Contentlines.from_ical(calendar):  # type: ignore[no-untyped-call]  # its module is partly typed
        if not _LOOKED_AT.match(line):
            continue
        name, parameters, value = line.parts()
        name, value = name.upper(), value.strip()
        if name == "BEGIN":
            path.append(value.upper())
        elif name == "END":
            del path[-1:]
        elif path in LEVELS:
            yield f"{path[-1]} {name}", parameters, value


def _only(properties: list[Property]) -> Property | None:
    return properties[0] if len(properties) == 1 else None


def _address(uri: str) -> str:
    """Return the mail address that a calendar address (mailto:, RFC 6068) stands for, or nothing."""
    scheme, _, path = uri.partition(":")
    if scheme.lower() != "mailto":
        return ""
    try:
        return mail_address(unquote(path))
    except Refusal:
        return ""


def _written_at(stamp: Property | None) -> datetime | None:
    """Return the instant of a DTSTAMP, which is always in UTC (RFC 5545, 3.8.7.2)."""
    try:
        return datetime.strptime(stamp[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) if stamp else None
    except ValueError:
        return None
