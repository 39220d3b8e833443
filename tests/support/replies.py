"""Replies to invitations, in the shapes in which calendar programs mail them."""

from __future__ import annotations

import base64
import quopri
from collections.abc import Callable
from datetime import datetime
from email.policy import SMTP

from sqlalchemy import select

from registration import clock
from registration.extensions import db, writing
from registration.models import EventSession, Invitation, Registration
from registration.models.invitation import Standing

OUR_ADDRESS = "meetings@example.org"
MakeMail = Callable[[str, str, str, datetime], bytes]
"""A mail by the entry's UID, the attendee's address, the PARTSTAT, and when it is written."""


def invite(public_id: str, *slugs: str) -> None:
    """Let somebody hold the invitations of these sessions; in the application's context."""
    with writing():
        person = db.session.scalars(select(Registration).where(Registration.public_id == public_id)).one()
        held = {one.session.slug for one in person.invitations_held}
        for session in db.session.scalars(select(EventSession).where(EventSession.slug.in_(set(slugs) - held))):
            db.session.add(
                Invitation(registration=person, session=session, changed_at=clock.now(), standing=Standing.INVITED)
            )


def invitations(public_id: str) -> dict[str, Invitation]:
    """{slug of the session: what somebody holds of it}, as it stands."""
    query = select(Invitation).join(Invitation.registration).where(Registration.public_id == public_id)
    rows = db.session.scalars(query, execution_options={"populate_existing": True})
    return {one.session.slug: one for one in rows}


def gmail(uid: str, address: str, answer: str, at: datetime) -> bytes:
    """Folded lines, the calendar as 7bit in an alternative and again as a base64 attachment."""
    calendar = calendar_lines(
        "BEGIN:VCALENDAR",
        "PRODID:-//Google Inc//Google Calendar 70.9054//EN",
        "VERSION:2.0",
        "CALSCALE:GREGORIAN",
        "METHOD:REPLY",
        "BEGIN:VEVENT",
        "DTSTART:20260526T140000Z",
        "DTEND:20260526T171500Z",
        f"DTSTAMP:{stamp(at)}",
        f"ORGANIZER;CN=Dialogue team:mailto:{OUR_ADDRESS}",
        f"UID:{uid}",
        f"ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT={answer};CN=Ami",
        f" na Example;X-NUM-GUESTS=0:mailto:{address}",
        "X-GOOGLE-CONFERENCE:https://meet.example.org/abc",
        "CREATED:20260302T150000Z",
        "DESCRIPTION:Watch\\nhttps://events.example.org/events/dialogue-next/sessions/h",
        " uman-rights/",
        "SEQUENCE:0",
        "STATUS:CONFIRMED",
        "SUMMARY:Session one – Dialogue",
        "TRANSP:OPAQUE",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        "UID:alarm",
        "ATTENDEE:mailto:alarm@example.org",
        "TRIGGER:-P0DT0H15M0S",
        "END:VALARM",
        "END:VEVENT",
        "END:VCALENDAR",
    )
    inner = multipart(
        "alternative",
        part(
            'text/plain; charset="UTF-8"; format=flowed; delsp=yes', b"Amina has replied to this invitation.", "base64"
        ),
        part('text/html; charset="UTF-8"', b"<p>Amina has <b>replied</b>.</p>", "quoted-printable"),
        part('text/calendar; charset="UTF-8"; method=REPLY', calendar, "7bit"),
    )
    attached = part('application/ics; name="invite.ics"', calendar, "base64", 'attachment; filename="invite.ics"')
    return mail(address, multipart("mixed", inner, attached))


def exchange(uid: str, address: str, answer: str, at: datetime) -> bytes:
    """No ORGANIZER, MAILTO in capitals, a zone by its Windows name since 1601, all in base64."""
    calendar = calendar_lines(
        "BEGIN:VCALENDAR",
        "METHOD:REPLY",
        "PRODID:Microsoft Exchange Server 2010",
        "VERSION:2.0",
        "BEGIN:VTIMEZONE",
        "TZID:Nepal Standard Time",
        "BEGIN:STANDARD",
        "DTSTART:16010101T000000",
        "TZOFFSETFROM:+0545",
        "TZOFFSETTO:+0545",
        "END:STANDARD",
        "BEGIN:DAYLIGHT",
        "DTSTART:16010101T000000",
        "TZOFFSETFROM:+0545",
        "TZOFFSETTO:+0545",
        "END:DAYLIGHT",
        "END:VTIMEZONE",
        "BEGIN:VEVENT",
        f"ATTENDEE;PARTSTAT={answer};CN=Amina Example:MAILTO:{address}",
        "COMMENT;LANGUAGE=en-US:I am travelling\\, sorry\\n",
        f"UID:{uid}",
        "SUMMARY;LANGUAGE=en-US:Declined: Session one",
        "DTSTART;TZID=Nepal Standard Time:20260526T194500",
        "DTEND;TZID=Nepal Standard Time:20260526T230000",
        "CLASS:PUBLIC",
        "PRIORITY:5",
        f"DTSTAMP:{stamp(at)}",
        "TRANSP:OPAQUE",
        "STATUS:CONFIRMED",
        "SEQUENCE:0",
        "X-MICROSOFT-CDO-APPT-SEQUENCE:0",
        "X-MICROSOFT-CDO-OWNERAPPTID:0",
        "X-MICROSOFT-CDO-BUSYSTATUS:BUSY",
        "X-MICROSOFT-DISALLOW-COUNTER:FALSE",
        "END:VEVENT",
        "END:VCALENDAR",
    )
    return mail(
        address,
        multipart(
            "alternative",
            part('text/plain; charset="utf-8"', "I am travelling, sorry – Amina".encode(), "base64"),
            part('text/html; charset="utf-8"', b"<p>I am travelling, sorry</p>", "base64"),
            part('text/calendar; charset="utf-8"; method=REPLY', calendar, "base64"),
        ),
    )


def apple(uid: str, address: str, answer: str, at: datetime) -> bytes:
    """Parameters in quotes, the calendar in quoted-printable."""
    calendar = calendar_lines(
        "BEGIN:VCALENDAR",
        "CALSCALE:GREGORIAN",
        "METHOD:REPLY",
        "PRODID:-//Apple Inc.//macOS 15.3//EN",
        "VERSION:2.0",
        "BEGIN:VTIMEZONE",
        "TZID:America/New_York",
        "BEGIN:DAYLIGHT",
        "DTSTART:20070311T020000",
        "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU",
        "TZNAME:EDT",
        "TZOFFSETFROM:-0500",
        "TZOFFSETTO:-0400",
        "END:DAYLIGHT",
        "END:VTIMEZONE",
        "BEGIN:VEVENT",
        f'ATTENDEE;CN="Example, Amina: Ms.";CUTYPE=INDIVIDUAL;EMAIL="{address}";PARTSTAT={answer}',
        f" ;ROLE=REQ-PARTICIPANT:mailto:{address}",
        "CREATED:20260302T150000Z",
        "DTEND;TZID=America/New_York:20260526T131500",
        f"DTSTAMP:{stamp(at)}",
        "DTSTART;TZID=America/New_York:20260526T100000",
        "LAST-MODIFIED:20260302T150500Z",
        f'ORGANIZER;CN="Dialogue team":mailto:{OUR_ADDRESS}',
        "SEQUENCE:0",
        "SUMMARY:Séance d’ouverture",
        f"UID:{uid}",
        'X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-TITLE="https://events.example.or',
        ' g/";X-APPLE-RADIUS=0:geo:0,0',
        "END:VEVENT",
        "END:VCALENDAR",
    )
    return mail(
        address,
        multipart(
            "alternative",
            part("text/plain; charset=utf-8", "Amina ✓".encode(), "quoted-printable"),
            part(
                "text/calendar; charset=utf-8; method=REPLY; name=iCal-20260302.ics",
                calendar,
                "quoted-printable",
                "attachment; filename=iCal-20260302.ics",
            ),
        ),
    )


def thunderbird(uid: str, address: str, answer: str, at: datetime) -> bytes:
    """The calendar in 8bit, and once more as a file of a type that says nothing."""
    calendar = calendar_lines(
        "BEGIN:VCALENDAR",
        "PRODID:-//Mozilla.org/NONSGML Mozilla Calendar V1.1//EN",
        "VERSION:2.0",
        "METHOD:REPLY",
        "BEGIN:VEVENT",
        "CREATED:20260302T150000Z",
        "LAST-MODIFIED:20260302T150500Z",
        f"DTSTAMP:{stamp(at)}",
        f"UID:{uid}",
        "SUMMARY:第一次会议",
        f"ORGANIZER;CN=Dialogue team:mailto:{OUR_ADDRESS}",
        f'ATTENDEE;CN="Amina Example";PARTSTAT={answer};CUTYPE=INDIVIDUAL;RSVP=TRUE;RO',
        f" LE=REQ-PARTICIPANT:mailto:{address}",
        "DTSTART;TZID=America/New_York:20260526T100000",
        "DTEND;TZID=America/New_York:20260526T131500",
        "X-MOZ-RECEIVED-SEQUENCE:0",
        "X-MOZ-RECEIVED-DTSTAMP:20260302T150000Z",
        "X-MOZ-SEND-INVITATIONS:TRUE",
        "END:VEVENT",
        "END:VCALENDAR",
    )
    return mail(
        address,
        multipart(
            "mixed",
            multipart(
                "alternative",
                part("text/plain; charset=UTF-8; format=flowed", "Amina – 参加".encode(), "8bit"),
                part("text/calendar; charset=UTF-8; method=REPLY", calendar, "8bit"),
            ),
            part("application/octet-stream", calendar, "base64", 'attachment; filename="invite.ICS"'),
        ),
    )


def bare(uid: str, address: str, answer: str, at: datetime) -> bytes:
    """A mail that is a calendar file and nothing else, as small programs send it: without a last line end."""
    calendar = calendar_lines(
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Example//EN",
        "METHOD:REPLY",
        "BEGIN:VEVENT",
        f"ATTENDEE;PARTSTAT={answer}:mailto:{address}",
        f"DTSTAMP:{stamp(at)}",
        f"ORGANIZER:mailto:{OUR_ADDRESS}",
        f"UID:{uid}",
        "END:VEVENT",
        "END:VCALENDAR",
    )
    return mail(address, part("text/calendar; method=reply", calendar.rstrip(), "7bit"))


PROGRAMS: dict[str, MakeMail] = {
    "Gmail": gmail,
    "Exchange": exchange,
    "Apple Mail": apple,
    "Thunderbird": thunderbird,
    "a bare calendar": bare,
}


def stamp(at: datetime) -> str:
    """An instant in UTC as RFC 5545, 3.3.5 writes it."""
    return f"{at:%Y%m%dT%H%M%SZ}"


def calendar_lines(*lines: str) -> bytes:
    """A calendar file of these lines."""
    return "".join(f"{line}\r\n" for line in lines).encode()


def mail(sender: str, body: bytes) -> bytes:
    """A mail whose own headers and content begin with the part's."""
    headers = (
        "Received: from mail.example.org (mail.example.org [192.0.2.1])\r\n\tby events.example.org; "
        "Mon, 2 Mar 2026 15:10:00 +0000\r\n"
        f"From: Amina Example <{sender}>\r\nTo: {OUR_ADDRESS}\r\nSubject: =?utf-8?Q?Re=C3=A9ponse?=\r\n"
        "Message-ID: <reply@example.org>\r\nMIME-Version: 1.0\r\n"
    )
    return headers.encode() + body


def multipart(kind: str, *parts: bytes) -> bytes:
    """A part that holds others."""
    boundary = f"=_{kind}_000000000000f5d1".encode()
    inner = b"".join(b"--" + boundary + SMTP.linesep.encode() + one + b"\r\n" for one in parts)
    return (
        b'Content-Type: multipart/%b; boundary="%b"\r\n\r\n' % (kind.encode(), boundary) + inner
    ) + b"--%b--\r\n" % boundary


def part(content_type: str, content: bytes, encoding: str, disposition: str = "") -> bytes:
    """A part that holds this content in an encoding of RFC 2045."""
    headers = f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n"
    if disposition:
        headers += f"Content-Disposition: {disposition}\r\n"
    return headers.encode() + b"\r\n" + _encoded(content, encoding)


def _encoded(content: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        return base64.encodebytes(content).replace(b"\n", b"\r\n")
    if encoding == "quoted-printable":
        return quopri.encodestring(content.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    return content
