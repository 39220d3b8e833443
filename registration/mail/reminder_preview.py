"""A reminder as somebody would get it, before anybody does."""

from __future__ import annotations

from datetime import datetime

from registration.domain.reminder_times import due_at, when_of
from registration.mail.letter import Letter
from registration.mail.letters import letter_for
from registration.models import Delivery, EventSession, Registration, ReminderRule
from registration.models.delivery import DeliveryKind


def reminder_preview(rule: ReminderRule, session: EventSession, stand_in: Registration, *, now: datetime) -> Letter:
    """Return a rule's letter about one session to a stand-in (`domain.stand_ins`), as it reads when it is due."""
    due = due_at(when_of(rule), session) or now
    delivery = Delivery(kind=DeliveryKind.REMINDER, registration=stand_in, session_id=session.id, rule=rule)
    return letter_for([delivery], now=due)
