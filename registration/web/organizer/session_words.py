"""The words for what participants are told of a session, and how their mails fare; the command line has the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from babel import Locale
from babel.lists import format_list
from flask_babel import LazyString, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from registration.domain import holdings
from registration.domain.facts import Change
from registration.domain.holdings import Holdings, ToTell
from registration.domain.notices import Behind, Telling
from registration.domain.programme import takes_place
from registration.models import EventSession, SessionRevision
from registration.models.delivery import DeliveryState
from registration.models.invitation import Standing
from registration.models.programme import SessionState
from registration.timetext import locale_of, short_moment_text, zone_times
from registration.timezones import to_wall
from registration.web.display import page_language

SESSION_STATES: dict[SessionState, LazyString] = {
    SessionState.SCHEDULED: _l("Takes place"),
    SessionState.CANCELLED: _l("Cancelled"),
}
CHANGES: dict[Change, LazyString] = {
    Change.CANCELLED: _l("that it is cancelled"),
    Change.RESTORED: _l("that it takes place after all"),
    Change.MOVED: _l("the new time"),
    Change.RENAMED: _l("the new title"),
    Change.RELINKED: _l("the new address of the stream"),
}
"""What people are told, after a colon."""
WAYS: dict[Standing, LazyString] = {
    Standing.INVITED: _l("By calendar invitation."),
    Standing.INFORMED: _l("By mail with a calendar file."),
}
"""How they are told, by what they hold then."""


@dataclass(frozen=True)
class HeldRow:
    """What some people hold of a session, what they have not been told, and how many they are."""

    time: str
    not_told: str
    people: int


def state_of(session: EventSession) -> SessionState:
    """Return whether a session takes place: none of a cancelled event does."""
    return SessionState.SCHEDULED if takes_place(session) else SessionState.CANCELLED


def name_here(language: str) -> str:
    """Return what the page's language calls a language, for organizers, who need not read it."""
    return Locale.parse(language, sep="-").get_display_name(locale_of(page_language())) or language


def changes_text(changes: Iterable[Change]) -> str:
    """Return what is new, as a list in the page's language: "the new time and the new title"."""
    found = frozenset(changes)
    return listed(str(label) for change, label in CHANGES.items() if change in found)


def told_lines(to_tell: ToTell) -> list[str]:
    """Return who is told what of a session, in a line each."""
    lines = [_telling_text(one) for one in to_tell.tellings]
    if to_tell.offered:
        words = ngettext(
            "%(num)s person is told that this session was added.",
            "%(num)s people are told that this session was added.",
            to_tell.offered,
        )
        lines.append(words)
    return lines


def told_when(to_tell: ToTell, zone: str, now: datetime) -> str:
    """Return when they are told, in a sentence."""
    if to_tell.at is None or to_tell.at <= now:
        return ngettext("%(num)s person is told now.", "%(num)s people are told now.", to_tell.people)
    time = time_text(to_tell.at, zone, now=now)
    return ngettext(
        "%(num)s person is told at %(time)s.", "%(num)s people are told at %(time)s.", to_tell.people, time=time
    )


def mail_text(held: Behind, to_tell: ToTell, zone: str, now: datetime) -> str:
    """Return how the last mail about a session fares of somebody who is behind, and what can be done."""
    if held.mail is DeliveryState.FAILED:
        return _("Refused for good (%(code)s): look whether the address is right.", code=held.reply_code)
    if held.mail is DeliveryState.BOUNCED:
        return _("Came back: look whether the address is right.")
    if held.mail is DeliveryState.STOPPED:
        return _("Not sent, for this address takes no mail.")
    if held.mail is DeliveryState.WAITING and held.reply_code:
        return _("Put off by their mail server (%(code)s): it is tried again by itself.", code=held.reply_code)
    if held.mail is DeliveryState.WAITING or (to_tell.at and to_tell.at <= now):
        return _("Waits to be sent.")
    if to_tell.at:
        return _("Will be told at %(time)s.", time=time_text(to_tell.at, zone, now=now))
    return _("No mail is waiting for them.")


def time_text(at: datetime, zone: str, *, now: datetime) -> str:
    """Return when something will be, as short as can be understood now: the hour in a zone, or day and hour."""
    if to_wall(at, zone).date() != to_wall(now, zone).date():
        return short_moment_text(at, zone, page_language())
    times = zone_times(at, at, zone, page_language())
    return f"{times.starts} ({times.where})"


def held_rows(session: EventSession, held: Holdings) -> dict[int | None, HeldRow]:
    """Return what those who are behind hold, by its revision, the newest first."""
    revisions = {one.number: one for one in session.revisions}
    return {
        number: _held_row(session, None if number is None else revisions[number], people)
        for number, people in held.by_revision().items()
    }


def _held_row(session: EventSession, revision: SessionRevision | None, people: int) -> HeldRow:
    if revision is None:
        return HeldRow(_("Nothing yet"), "–", people)
    zone = session.event.zone
    time = str(zone_times(revision.starts_at, revision.ends_at, zone, page_language()))
    words = time if revision.takes_place else _("Cancelled: %(time)s", time=time)
    return HeldRow(words, changes_text(holdings.differences(revision, session)) or "–", people)


def _telling_text(telling: Telling) -> str:
    parts = [_what_is_told(telling)]
    if telling.changes and telling.becomes in WAYS:
        parts.append(str(WAYS[telling.becomes]))
    by_number = sorted(telling.languages.items(), key=lambda one: (-one[1], one[0]))
    languages = listed(f"{name_here(language)} ({number})" for language, number in by_number)
    parts.append(_("Languages: %(list)s.", list=languages))
    if telling.discreet:
        parts.append(ngettext("%(num)s of them discreetly.", "%(num)s of them discreetly.", telling.discreet))
    return " ".join(parts)


def _what_is_told(telling: Telling) -> str:
    if telling.changes:
        what = changes_text(telling.changes)
        return ngettext(
            "%(num)s person is told: %(what)s.", "%(num)s people are told: %(what)s.", telling.people, what=what
        )
    return ngettext(
        "%(num)s person gets a first or corrected invitation; nothing is new to them but their own changes.",
        "%(num)s people get a first or corrected invitation; nothing is new to them but their own changes.",
        telling.people,
    )


def listed(words: Iterable[str]) -> str:
    """Return words as a list in the page's language."""
    return format_list(list(words), locale=locale_of(page_language()))
