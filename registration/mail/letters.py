"""Which letter settles a delivery, and in whose language it is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from flask_babel import force_locale

from registration.mail import announcement_letters, registration_letters, session_letters
from registration.mail.letter import Letter
from registration.mail.reader import Reader, reader_of
from registration.models import Delivery
from registration.models.delivery import DeliveryKind as Kind

WRITERS: dict[Kind, Callable[[Reader, Sequence[Delivery]], Letter]] = {
    Kind.PROVE: registration_letters.prove,
    Kind.ALREADY: registration_letters.already,
    Kind.LINK: registration_letters.link,
    Kind.IN_REVIEW: registration_letters.in_review,
    Kind.WAITING: registration_letters.waiting,
    Kind.CONFIRMED: registration_letters.confirmed,
    Kind.CHANGED: registration_letters.changed,
    Kind.DECLINED: registration_letters.declined,
    Kind.CANCELLED: registration_letters.cancelled,
    Kind.REMINDER: registration_letters.reminder,
    Kind.INVITATION: session_letters.invitation,
    Kind.ADDED: session_letters.added,
    Kind.ANNOUNCEMENT: announcement_letters.announcement,
    Kind.FAREWELL: registration_letters.farewell,
}


def letter_for(deliveries: Sequence[Delivery], *, now: datetime) -> Letter:
    """Return the letter that settles these deliveries: one, or the reminders that one person is due together.

    It is in the person's own language and zone. In discreet mode it speaks of a neutral title and leads to neutral
    addresses; no word of the event is in it.
    """
    registration = deliveries[0].registration
    with force_locale(registration.language.replace("-", "_")):
        return WRITERS[deliveries[0].kind](reader_of(registration, now=now), deliveries)
