"""The words for where an announcement stands, whom it is for, and what became of its mails."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime

from babel.dates import format_time
from flask_babel import gettext as _
from flask_babel import ngettext

from registration.domain.announcement_mails import Progress
from registration.domain.announcements import Stage
from registration.domain.attendees import shown_categories
from registration.domain.groups import Group
from registration.domain.masks import GONE, shown_names
from registration.models import Announcement, Event
from registration.models.delivery import DeliveryState
from registration.timetext import locale_of, short_moment_text
from registration.timezones import city, offset_name, to_wall
from registration.web.display import page_language, text
from registration.web.organizer.session_words import name_here
from registration.web.organizer.words import STATES, category_label


def stage_text(announcement: Announcement, progress: Progress, *, now: datetime) -> str:
    """Return where an announcement stands."""
    if announcement.send_at is None:
        return _("Draft")
    if progress.stage is Stage.LEAVING:
        seconds = math.ceil((announcement.send_at - now).total_seconds())
        return ngettext("Leaves in %(num)s second", "Leaves in %(num)s seconds", seconds)
    if progress.stage is Stage.SENDING:
        return _("Being sent")
    time = short_moment_text(announcement.send_at, announcement.event.zone, page_language())
    return _("Sent: %(time)s", time=time)


def until_text(announcement: Announcement) -> str:
    """Return until when an announcement that was sent can be taken back, to the second."""
    send_at, zone = announcement.send_at or announcement.updated_at, announcement.event.zone
    time = format_time(to_wall(send_at, zone).time(), "HH:mm:ss", locale=locale_of(page_language()))
    return f"{time} ({city(zone, page_language())}, {offset_name(send_at, zone)})"


def group_lines(event: Event, group: Group, *, unmasked: bool) -> list[tuple[str, str]]:
    """Return whom an announcement is for, as somebody with these rights may know it: (what, which)."""
    shown = shown_categories(event, unmasked=unmasked)
    categories = shown_names(event, group.categories, unmasked=unmasked)
    titles = {session.slug: text(session.title) for session in event.sessions}
    return [
        (_("State"), _listed(str(STATES[state]) for state in group.states)),
        (_("Category"), _listed(_gone() if one == GONE else category_label(shown, one) for one in categories)),
        (_("Session"), _listed(titles.get(one) or _gone() for one in group.sessions)),
        (_("Language of mails"), _listed(name_here(one) for one in group.languages)),
    ]


def mail_lines(progress: Progress) -> list[tuple[str, int]]:
    """Return how many of its mails fared how."""
    return [
        (_("Waiting for their time"), progress.mails[DeliveryState.WAITING]),
        (_("Sent"), progress.mails[DeliveryState.SENT]),
        (_("Refused by the mail server"), progress.mails[DeliveryState.FAILED]),
        (_("Came back"), progress.mails[DeliveryState.BOUNCED]),
        (_("Not sent"), progress.not_sent),
    ]


def _listed(words: Iterable[str]) -> str:
    return " · ".join(words) or _("All")


def _gone() -> str:
    return _("No longer there: selects nobody")
