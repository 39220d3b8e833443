"""The words that the organizer's pages have for states, columns and the like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import LazyString, force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from registration import clock
from registration.domain.access import Action, events_of, may
from registration.domain.accounts import address_of
from registration.domain.attendees import PARTICIPANT, Shown
from registration.domain.columns import ANSWER
from registration.domain.queue_health import overdue
from registration.domain.refused import events_concerned
from registration.domain.rough import Rough
from registration.models import Event
from registration.models.event import EventState
from registration.models.registration import RegistrationState as State
from registration.models.unmasking import Sight
from registration.web.access import current_organizer
from registration.web.answer_words import answer_text
from registration.web.display import text
from registration.web.organizer.desk import blueprint
from registration.web.organizer.mail_words import reason_text
from registration.web.organizer.session_words import (
    SESSION_STATES,
    changes_text,
    mail_text,
    name_here,
    time_text,
    told_lines,
    told_when,
)

STATES: dict[str, LazyString] = {
    State.UNVERIFIED: _l("Address not confirmed"),
    State.IN_REVIEW: _l("In review"),
    State.WAITING: _l("Waiting"),
    State.CONFIRMED: _l("Confirmed"),
    State.DECLINED: _l("Declined"),
    State.CANCELLED: _l("Cancelled"),
}
EVENT_STATES: dict[str, LazyString] = {
    EventState.DRAFT: _l("Draft"),
    EventState.PUBLISHED: _l("Published"),
    EventState.CANCELLED: _l("Cancelled"),
    EventState.ARCHIVED: _l("Archived"),
}
SIGHTS: dict[str, LazyString] = {
    Sight.LIST: _l("The list, with categories at risk"),
    Sight.CATEGORY: _l("Category at risk"),
    Sight.VETTING_NAME: _l("Name for vetting"),
}
COLUMNS: dict[str, LazyString] = {
    "name": _l("Name"),
    "organization": _l("Organization"),
    "country": _l("Country"),
    "state": _l("State"),
    "category": _l("Category"),
    "address": _l("Mail address"),
    "sessions": _l("Sessions"),
    "language": _l("Language of mails"),
    "stream_language": _l("Language of the stream"),
    "zone": _l("Time zone"),
    "captions": _l("Captions"),
    "sign": _l("International Sign"),
    "needs": _l("Other needs"),
    "discreet": _l("Discreet mode"),
    "signed_up_at": _l("Signed up"),
    "confirmed_at": _l("Confirmed"),
    "reason": _l("Reason of the decision"),
}


def category_label(shown: Sequence[Shown], name: str) -> str:
    """Return what a category is called for whoever sees these."""
    label = next((one.label for one in shown if one.name == name), {})
    return text(label) if label else _("Participant") if name == PARTICIPANT else name


def masked_value(event: Event, name: str, value: str) -> str:
    """Return the value of a filter as it stands in the book for all: a category at risk as "participant"."""
    at_risk = {one.slug for one in event.categories if one.at_risk}
    return PARTICIPANT if name == "category" and value in at_risk else value


def column_label(event: Event, name: str) -> str:
    """Return what a column of an export is called: for an answer, its question."""
    if not name.startswith(ANSWER):
        return str(COLUMNS[name])
    question = name.removeprefix(ANSWER)
    labels = [one.label for category in event.categories for one in category.questions if one.name == question]
    return text(labels[0]) if labels else question


@blueprint.context_processor
def _desk() -> dict[str, Any]:
    """What the desk's templates know; nothing is looked up before one asks."""
    return {
        "STATES": STATES,
        "EVENT_STATES": EVENT_STATES,
        "SESSION_STATES": SESSION_STATES,
        "SIGHTS": SIGHTS,
        "Action": Action,
        "answer_text": answer_text,
        "category_label": category_label,
        "changes_text": changes_text,
        "column_label": column_label,
        "greeting": greeting,
        "mail_overdue": lambda: overdue(now=clock.now()),
        "events_with_refused_mail": _events_with_refused_mail,
        "mail_text": mail_text,
        "masked_value": masked_value,
        "name_here": name_here,
        "number_text": number_text,
        "organizer_address": _own_address,
        "organizer_may": _organizer_may,
        "account_address": address_of,
        "reason_text": reason_text,
        "sees_a_list": lambda: bool(_listed_events()),
        "time_text": time_text,
        "told_lines": told_lines,
        "told_when": told_when,
        "uncounted": uncounted,
    }


def number_text(number: Rough) -> str:
    """Return a number of people as it is told: exactly, or as the range it is in."""
    if number.is_exact:
        return str(number.low)
    return f"{number.low}–{number.high}" if number.low else _("fewer than %(number)s", number=number.high + 1)


def uncounted() -> str:
    """Say why there are no numbers."""
    return _("How many people this is for is told to those alone who see the list, and the categories in it.")


def greeting(language: str) -> str:
    """Return how mails in a language begin, with the placeholder of the reader's name."""
    with force_locale(language.replace("-", "_")):
        return f"{_('Dear')} {{name}},"


def _events_with_refused_mail() -> list[Event]:
    """Return the events with mail refused for now whose list the organizer may see."""
    return events_concerned(_listed_events())


def _listed_events() -> list[Event]:
    """Return the events whose list the organizer may see."""
    organizer = current_organizer()
    return [event for event in events_of(organizer) if may(organizer, Action.SEE_LIST, event)] if organizer else []


def _own_address() -> str | None:
    organizer = current_organizer()
    return address_of(organizer) if organizer else None


def _organizer_may(action: Action, event: Event) -> bool:
    organizer = current_organizer()
    return organizer is not None and may(organizer, action, event)
