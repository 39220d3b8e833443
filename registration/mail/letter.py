"""What one person is told: a letter is a value, written from three templates (subject, text, HTML)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import render_template
from flask_babel import gettext as _

from registration.domain.calendars.invitations import Method
from registration.domain.invitations import Told
from registration.domain.link_keys import LinkKind
from registration.mail.reader import Reader
from registration.mail.size import sent_size
from registration.text import clean_line, in_language

MOST_OCTETS = 26 * 1024
"""Of text and HTML as they travel: with the headers a mail stays below 30 KB, but for its calendar parts."""


@dataclass(frozen=True)
class CalendarFile:
    """An .ics file that goes with a letter."""

    name: str
    octets: bytes


@dataclass(frozen=True)
class Invite:
    """The calendar part of a letter that calendars read by themselves (iMIP, RFC 6047)."""

    method: Method
    octets: bytes


@dataclass(frozen=True)
class Letter:
    """Words, files or an invitation, whom they come from and whom answers go to; and what they tell of sessions."""

    to: str
    sender_name: str
    reply_to: str
    language: str
    subject: str
    text: str
    html: str
    files: Sequence[CalendarFile] = ()
    invite: Invite | None = None
    told: Sequence[Told] = ()
    version: str = ""
    """Tells apart what one delivery may come to say before it is sent."""
    unsubscribe_url: str = ""
    """Where one POST ends mails of this kind (RFC 8058); nothing where they are not to be ended."""


def write(
    name: str,
    reader: Reader,
    *,
    files: Sequence[CalendarFile] = (),
    invite: Invite | None = None,
    told: Sequence[Told] = (),
    version: str = "",
    unsubscribable: bool = False,
    **facts: Any,
) -> Letter:
    """Return the letter that the templates `name` make of these facts.

    `unsubscribable`: it leads to the page that ends such mails; what tells of a change is not, for a wrong hour harms.
    """
    event = reader.registration.event
    unsubscribe_url = reader.link("unsubscribe.page", LinkKind.UNSUBSCRIBE) if unsubscribable else ""
    facts = {
        "reader": reader,
        "title": reader.title,
        "files": files,
        "sample": event.sample and not reader.discreet,
        "own_page": reader.link("participant.enter", LinkKind.MANAGE),
        "unsubscribe_url": unsubscribe_url,
        **facts,
    }
    text, html = _bodies(name, facts)
    return Letter(
        to=reader.personal.address,
        sender_name=sender_name(reader),
        reply_to="" if reader.discreet else event.organizer_address,
        language=reader.registration.language,
        subject=clean_line(render_template(f"mail/{name}.subject.txt", **facts)),
        text=text,
        html=html,
        files=files,
        invite=invite,
        told=told,
        version=version,
        unsubscribe_url=unsubscribe_url,
    )


def _bodies(name: str, facts: dict[str, Any]) -> tuple[str, str]:
    """Return text and HTML. Where both would be too large they show fewer sessions, and say how many more there are."""
    sessions = facts.get("sessions", ())
    shown = len(sessions)
    while True:
        part = {**facts, "sessions": sessions[:shown], "more": len(sessions) - shown}
        text = render_template(f"mail/{name}.txt", **part).strip() + "\n"
        html = render_template(f"mail/{name}.html", **part)
        size = sent_size(text) + sent_size(html)
        if size <= MOST_OCTETS or shown <= 1:
            return text, html
        shown = max(1, min(shown - 1, shown * MOST_OCTETS // size))


def sender_name(reader: Reader) -> str:
    """Return who mails and invitations say they come from."""
    event = reader.registration.event
    named = in_language(event.sender_name, reader.registration.language, event.default_language)
    return clean_line(_("Meeting service") if reader.discreet else named)
