"""The words for reminder rules: when they remind, whom, and how it went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from flask_babel import LazyString, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from registration.domain.attendees import category_names, shown_categories
from registration.domain.masks import GONE, shown_names
from registration.domain.outbox import PERMANENT, Outcome
from registration.domain.reminder_states import Reached, Round, RoundState
from registration.models import Event, ReminderRule
from registration.models.delivery import DeliveryState
from registration.timetext import short_moment_text
from registration.web.display import page_language, text
from registration.web.organizer import masks
from registration.web.organizer.session_words import listed, name_here
from registration.web.organizer.words import category_label

HOUR, DAY = 60, 24 * 60
ROUND_STATES: dict[RoundState, LazyString] = {
    RoundState.PLANNED: _l("Planned"),
    RoundState.PAUSED: _l("Paused"),
    RoundState.SENDING: _l("Sending"),
    RoundState.SENT: _l("Sent"),
    RoundState.MISSED: _l("Missed: its time went by unsent"),
    RoundState.OFF: _l("Not sent: the session or the event does not take place"),
    RoundState.NEVER: _l("Never: this time is not before the start"),
}


def when_text(rule: ReminderRule) -> str:
    """Return when a rule reminds: "1 day before the start", "at 18:00, 2 days before"."""
    if rule.minutes_before is not None:
        amount, unit = in_unit(rule.minutes_before)
        if unit == DAY:
            return ngettext("%(num)s day before the start", "%(num)s days before the start", amount)
        if unit == HOUR:
            return ngettext("%(num)s hour before the start", "%(num)s hours before the start", amount)
        return ngettext("%(num)s minute before the start", "%(num)s minutes before the start", amount)
    clock = f"{rule.clock_time:%H:%M}"
    if not rule.days_before:
        return _("at %(clock)s on the same day", clock=clock)
    return ngettext(
        "at %(clock)s, %(num)s day before", "at %(clock)s, %(num)s days before", rule.days_before, clock=clock
    )


def in_unit(minutes: int) -> tuple[int, int]:
    """Return minutes in the largest unit that holds them evenly: how many, and of how many minutes."""
    unit = next(unit for unit in (DAY, HOUR, 1) if minutes % unit == 0)
    return minutes // unit, unit


def whom_text(rule: ReminderRule, event: Event) -> str:
    """Return whom a rule reminds and of what, where it is not everybody and everything."""
    unmasked = masks.unmasked(event)
    shown, names = shown_categories(event, unmasked=unmasked), shown_names(event, rule.categories, unmasked=unmasked)
    categories = [category_label(shown, name) for name in names if name != GONE]
    sessions = [text(one.title) for one in event.sessions if one.slug in rule.sessions]
    parts = [
        _("Categories: %(list)s.", list=listed(categories)) if rule.categories else "",
        _("Sessions: %(list)s.", list=listed(sessions)) if rule.sessions else "",
        _("Languages: %(list)s.", list=listed(map(name_here, rule.languages))) if rule.languages else "",
    ]
    return " ".join(part for part in parts if part) or _("For all confirmed participants, of every session they chose.")


def state_text(one: Round, *, now: datetime, counted: bool) -> str:
    """Return where a round stands; how many mails wait where the reader may count them."""
    zone, language = one.session.event.zone, page_language()
    if one.state is RoundState.SENDING and counted:
        waiting = one.mails[DeliveryState.WAITING]
        return ngettext("Sending: %(num)s mail is waiting", "Sending: %(num)s mails are waiting", waiting)
    if one.state is RoundState.SENT and one.made_at:
        return _("Sent at %(time)s", time=short_moment_text(one.made_at, zone, language))
    if one.state is RoundState.PLANNED and one.due_at and one.due_at <= now:
        return _("Due now: it leaves in a moment")
    return str(ROUND_STATES[one.state])


def due_times(one: Round) -> list[str]:
    """Return when a round is due, in the event's zone and in UTC."""
    if one.due_at is None:
        return []
    zones = dict.fromkeys((one.session.event.zone, "UTC"))
    return [short_moment_text(one.due_at, zone, page_language()) for zone in zones]


def reached_lines(event: Event, reached: Sequence[Reached], *, unmasked: bool) -> list[str]:
    """Return how many people of each category, those at risk together unless `unmasked`, and of each language."""
    shown = shown_categories(event, unmasked=unmasked)
    names, categories, languages = category_names(shown), Counter[str](), Counter[str]()
    for one in reached:
        categories[names[one.category_id]] += one.people
        languages[one.language] += one.people
    by_category = [f"{category_label(shown, name)}: {number}" for name, number in categories.most_common()]
    by_language = [f"{name_here(language)}: {number}" for language, number in languages.most_common()]
    return [" · ".join(line) for line in (by_category, by_language) if line]


def trial_text(outcome: Outcome) -> str:
    """Return what became of a test mail."""
    if outcome.sent:
        return _("The mail server has taken the test mail; it goes to the address of your account.")
    if outcome.code is None:
        return _("The mail server did not answer in time; try again in a minute.")
    if outcome.code >= PERMANENT:
        return _(
            "The mail server refused the test mail for good (%(code)s); check the address of your account.",
            code=outcome.code,
        )
    return _("The mail server put the test mail off (%(code)s); try again in a few minutes.", code=outcome.code)
