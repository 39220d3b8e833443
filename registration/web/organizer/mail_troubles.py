"""Mails of a reminder or an announcement that reached nobody: the list on its page, and sending them again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from flask import flash, redirect, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from registration import clock
from registration.domain import announcements, mail_troubles
from registration.domain.access import Action, may
from registration.domain.mail_troubles import Which
from registration.domain.personal import open_personal
from registration.domain.programme import session_called
from registration.domain.reminder_edits import rule_called
from registration.domain.reminders import of_round
from registration.extensions import writing
from registration.models import Event
from registration.web.access import for_event
from registration.web.organizer.desk import blueprint
from registration.web.organizer.events import organizer
from registration.web.organizer.mail_words import fate_text


@dataclass(frozen=True)
class Line:
    """One mail. `name`, `public_id`: whose, None for those who may not know that."""

    name: str | None
    public_id: str | None
    words: str


@dataclass(frozen=True)
class TroubleList:
    """What a page shows: the lines, how many mails more there are, and how many can be sent again."""

    lines: list[Line]
    more: int
    again: int


def trouble_list(event: Event, which: Which, categories: Collection[str], *, now: datetime) -> TroubleList:
    """Return the mails that reached nobody.

    `categories`: slugs of those that the mails are for. Names of people of a category at risk would tell who is in it.
    """
    found = mail_troubles.troubles(which, now=now)
    at_risk = {one.slug for one in event.categories if one.at_risk}
    named = may(organizer(), Action.SEE_LIST, event) and (
        not at_risk & set(categories) or may(organizer(), Action.SEE_CATEGORY, event)
    )
    lines = [
        Line(
            name=open_personal(one.registration).name if named else None,
            public_id=one.registration.public_id if named else None,
            words=fate_text(one, event.zone),
        )
        for one in found.mails
    ]
    return TroubleList(lines, found.more, found.again)


@blueprint.post("/events/<slug:event_slug>/reminders/<slug:rule_slug>/sessions/<slug:session_slug>/again")
@for_event(Action.SEND_AGAIN)
def send_reminders_again(event: Event, rule_slug: str, session_slug: str) -> Response:
    """Send the reminders of a session again that failed or came back."""
    rule, session = rule_called(event, rule_slug), session_called(event, session_slug)
    _send_again(of_round(rule, session, session.starts_at))
    return redirect(url_for("organizer.reminder", event_slug=event.slug, rule_slug=rule_slug), 303)


@blueprint.post("/events/<slug:event_slug>/announcements/<int(max=2147483647):number>/again")
@for_event(Action.SEND_AGAIN)
def send_announcement_again(event: Event, number: int) -> Response:
    """Send the mails of an announcement again that failed or came back."""
    _send_again(mail_troubles.of_announcement(announcements.called(event, number)))
    return redirect(url_for("organizer.announcement", event_slug=event.slug, number=number), 303)


def _send_again(which: Which) -> None:
    with writing():
        number = mail_troubles.send_again(which, now=clock.now())
    if number:
        flash(ngettext("%(num)s mail is sent again.", "%(num)s mails are sent again.", number))
    else:
        flash(_("None of these mails can be sent again now."), "error")
