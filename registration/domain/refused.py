"""Mails that a mail server refuses for now (RFC 5321, 4.2.1: 4yz), and whose they are: they are tried again."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, exists, literal_column, select

from registration.extensions import db
from registration.models import Delivery, Event, Registration
from registration.models.delivery import DeliveryState

WAITS = Delivery.state == literal_column(f"'{DeliveryState.WAITING}'")
"""The state in the words of the index on what is due, which databases recognize only without a parameter."""
REFUSED_FOR_NOW = and_(WAITS, Delivery.tries > 0, Delivery.reply_code.is_not(None))


def has_mail_refused_for_now() -> ColumnElement[bool]:
    """Return the condition that a mail of a registration is refused for now."""
    return exists().where(Delivery.registration_id == Registration.id, REFUSED_FOR_NOW)


def events_concerned(events: Sequence[Event]) -> list[Event]:
    """Return those of the events with people whose mail is refused for now, by one query."""
    rows = db.session.scalars(
        select(Registration.event_id)
        .join(Delivery, Delivery.registration_id == Registration.id)
        .where(
            Registration.event_id.in_([event.id for event in events]),
            Registration.leaving_since.is_(None),
            REFUSED_FOR_NOW,
        )
        .distinct()
    )
    concerned = set(rows)
    return [event for event in events if event.id in concerned]
