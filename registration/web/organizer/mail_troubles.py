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
from registration.domain.access import Action
from registration.domain.mail_troubles import Which
from registration.domain.personal import open_personal
from registration.domain.programme import session_called
from registration.domain.reminder_edits import rule_called
from registration.domain.reminders import of_round
from registration.extensions import writing
from registration.models import Event
from registration.web.access import for_event
from registration.web.organizer import masks
from registration.web.organizer.desk import blueprint
from registration.web.organizer.mail_words import fate_text


@dataclass(frozen=True)
class Line:
    """One mail. `name`, `public_id`: whose."""

    name: str
    public_id: str
    words: str


@dataclass(frozen=True)
class TroubleList:
    """What a page shows: the lines, how many mails more there are, and how many can be sent again."""

    lines: list[Line]
    more: int
    again: int


def trouble_list(event: Event, which: Which, categories: Collection[str], *, now: datetime) -> TroubleList:
    """Return the mails that reached nobody: none to those who may not count them.

    `categories`: slugs of those that the mails are for. Whoever is named here would be known to be in one of them.
    """
    if not masks.sees_counts(event, categories):
        return TroubleList([], 0, 0)
    found = mail_troubles.troubles(which, now=now)
    lines = [
        Line(open_personal(one.registration).name, one.registration.public_id, fate_text(one, event.zone))
        for one in found.mails
    ]
    return TroubleList(lines, found.more, found.again)


@blueprint.post("/events/<slug:event_slug>/reminders/<slug:rule_slug>/sessions/<slug:session_slug>/again")
@for_event(Action.SEND_AGAIN)
def send_reminders_again(event: Event, rule_slug: str, session_slug: str) -> Response:
    """Send the reminders of a session again that failed or came back."""
    rule, session = rule_called(event, rule_slug), session_called(event, session_slug)
    _send_again(event, of_round(rule, session, session.starts_at), rule.categories)
    return redirect(url_for("organizer.reminder", event_slug=event.slug, rule_slug=rule_slug), 303)


@blueprint.post("/events/<slug:event_slug>/announcements/<int(max=2147483647):number>/again")
@for_event(Action.SEND_AGAIN)
def send_announcement_again(event: Event, number: int) -> Response:
    """Send the mails of an announcement again that failed or came back."""
    announcement = announcements.called(event, number)
    _send_again(event, mail_troubles.of_announcement(announcement), announcement.categories)
    return redirect(url_for("organizer.announcement", event_slug=event.slug, number=number), 303)


def _send_again(event: Event, which: Which, categories: Collection[str]) -> None:
    counted = masks.sees_counts(event, categories)
    with writing():
        number = mail_troubles.send_again(which, now=clock.now())
    if not counted:
        flash(_("What can be sent again is sent again."))
    elif number:
        flash(ngettext("%(num)s mail is sent again.", "%(num)s mails are sent again.", number))
    else:
        flash(_("None of these mails can be sent again now."), "error")
