"""When data goes, in words: single fields before the rest."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from registration.domain.clocks import VETTING, clocks
from registration.models import Event
from registration.models.event import QuestionKind

FIELDS: dict[str, LazyString] = {
    "organization": _l("your organization"),
    "answers": _l("your answers to the questions"),
    "captions": _l("whether you need captions"),
    "sign": _l("whether you need International Sign"),
    "needs": _l("what else you need"),
    "neutral_title": _l("your own words for the event in discreet mode"),
    "reason": _l("what organizers wrote with a decision"),
    VETTING: _l("your name for vetting"),
}


class Line(NamedTuple):
    """What goes when, and whether it has gone."""

    at: datetime
    words: str
    gone: bool


def clock_lines(event: Event, *, now: datetime) -> list[Line]:
    """Return what goes before the rest, the first first."""
    words = {name: str(label) for name, label in FIELDS.items()}
    if any(question.kind is QuestionKind.COUNTRY for category in event.categories for question in category.questions):
        words["answers"] = _("your answers to the questions, your country among them")
    return [Line(one.at, ", ".join(words[name] for name in one.fields), one.at <= now) for one in clocks(event)]
