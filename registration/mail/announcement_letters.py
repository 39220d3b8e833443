"""What organizers announce, as a letter and on the reader's own page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from registration.domain.admission import ALIVE
from registration.domain.calendar_entries import language_asked
from registration.domain.link_keys import LinkKind
from registration.links import public_url
from registration.mail.letter import Letter, write
from registration.mail.own_words import OwnWords, own_words
from registration.mail.reader import Reader, reader_of
from registration.models import Announcement, Delivery, Registration
from registration.text import in_language


def announcement(reader: Reader, deliveries: Sequence[Delivery]) -> Letter:
    """Tell what organizers announce; a discreet person is told that it stands on the own page."""
    announced = deliveries[0].announcement
    if announced is None:
        raise LookupError("the announcement is gone")
    own_page = reader.link("participant.enter", LinkKind.MANAGE)
    words = _words(announced, reader, own_page=own_page)
    ended = reader.registration.state not in ALIVE
    return write("announcement", reader, words=words, ended=ended, unsubscribable=True)


def words_on_own_page(announced: Announcement, registration: Registration, *, now: datetime) -> OwnWords | None:
    """Return an announcement as its reader's own page shows it: whole, also in discreet mode, and without a key."""
    reader = replace(reader_of(registration, now=now), discreet=False)
    return _words(announced, reader, own_page=public_url("participant.own"))


def _words(announced: Announcement, reader: Reader, *, own_page: str) -> OwnWords | None:
    registration = reader.registration
    event = registration.event
    values = {
        "name": reader.personal.name,
        "event": in_language(event.title, registration.language, event.default_language),
        "event_page": public_url("public.event", event_slug=event.slug, lang=language_asked(registration)),
        "own_page": own_page,
    }
    return own_words(reader, announced.subject, announced.text, values)
