"""Announcements: what organizers write to a group of people. One leaves a minute after they say so, and can be taken
back until then.

It may leave in every event but a draft: people have to be told that a cancelled event is off, and that an archived one
has its recordings.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from registration.domain.announcement_content import Content, content_of, faults, group_of
from registration.domain.groups import Group, conditions
from registration.domain.privacy import forget_at
from registration.errors import NotFound, Refusal
from registration.extensions import db
from registration.models import Announcement, Event, Registration
from registration.models.event import EventState

TAKE_BACK = timedelta(seconds=60)
"""For how long one that was sent can be taken back."""


class Stage(enum.StrEnum):
    """Where an announcement stands."""

    DRAFT = "draft"
    LEAVING = "leaving"
    """Sent, and can still be taken back."""
    SENDING = "sending"
    """Its mails are to be made, or some of them wait."""
    SENT = "sent"


@dataclass(frozen=True)
class Audience:
    """Who would get an announcement now: how many by the language of their mails, the largest number first; and how
    many of its group asked for no such mail."""

    languages: Sequence[tuple[str, int]]
    unsubscribed: int

    @property
    def total(self) -> int:
        """How many would get it."""
        return sum(number for _language, number in self.languages)


def all_of(event: Event) -> Sequence[Announcement]:
    """Return an event's announcements, the newest first."""
    query = select(Announcement).where(Announcement.event_id == event.id).order_by(Announcement.id.desc())
    return db.session.execute(query).scalars().all()


def drafts(event: Event) -> list[Announcement]:
    """Return those of an event's announcements that are not sent, the newest first."""
    return [one for one in all_of(event) if one.send_at is None]


def called(event: Event, number: int) -> Announcement:
    """Return one announcement of the event. Raises NotFound."""
    query = select(Announcement).where(Announcement.event_id == event.id, Announcement.id == number)
    found = db.session.execute(query).scalar_one_or_none()
    if found is None:
        raise _not_there()
    return found


def mark(announcement: Announcement) -> str:
    """Return what changes whenever somebody saves it."""
    return announcement.updated_at.isoformat()


def audience(event: Event, group: Group) -> Audience:
    """Return who would get an announcement to this group now."""
    left_alone, number = Registration.unsubscribed_at.is_not(None), func.count()
    rows = db.session.execute(
        select(Registration.language, left_alone, number)
        .where(*conditions(event, group))
        .group_by(Registration.language, left_alone)
        .order_by(number.desc(), Registration.language)
    ).all()
    return Audience(
        languages=[(language, count) for language, is_left_alone, count in rows if not is_left_alone],
        unsubscribed=sum(count for _language, is_left_alone, count in rows if is_left_alone),
    )


def draft(event: Event, content: Content, *, by: int, now: datetime) -> Announcement:
    """Keep a new draft, written by the organizer with the id `by`. Raises Refusal for `faults`, and when the event's
    personal data is forgotten."""
    for refusal in faults(event, content):
        raise refusal
    return _add(event, content, by=by, now=now)


def copy(announcement: Announcement, *, by: int, now: datetime) -> Announcement:
    """Keep a new draft with the words and the group of another announcement. Raises Refusal as `draft` does at last."""
    return _add(announcement.event, content_of(announcement), by=by, now=now)


def save(announcement: Announcement, content: Content, *, seen: str, now: datetime) -> None:
    """Make a draft what is wanted. `seen`: its mark as the organizer who edits has seen it.

    Raises Refusal for `faults`, if somebody else has saved it since, and if it is no draft any more.
    """
    found = _locked(announcement.id)
    _refuse_unless_draft(found)
    if mark(found) != seen and content != content_of(found):
        raise _changed_meanwhile()
    for refusal in faults(found.event, content):
        raise refusal
    _put(found, content, now=now)


def delete_draft(announcement: Announcement) -> None:
    """Delete a draft. Raises Refusal for what was sent."""
    found = _locked(announcement.id)
    _refuse_unless_draft(found)
    db.session.delete(found)


def send(announcement: Announcement, *, seen: str, now: datetime) -> None:
    """Let a draft leave when it cannot be taken back any more. `seen`: its mark on the page that was agreed to.

    Raises Refusal for a draft event, for `faults`, which may have come with a new event file, if nobody would get it,
    if somebody has changed it since, and if it was sent already.
    """
    found = _locked(announcement.id)
    _refuse_unless_draft(found)
    if mark(found) != seen:
        raise _changed_meanwhile()
    if found.event.state is EventState.DRAFT:
        raise Refusal(_l("This event is a draft: publish it first."))
    for refusal in faults(found.event, content_of(found)):
        raise refusal
    if not audience(found.event, group_of(found)).total:
        raise Refusal(_l("Nobody would get this: choose another group."))
    found.send_at = now + TAKE_BACK


def take_back(announcement: Announcement, *, now: datetime) -> None:
    """Make an announcement that has not left yet a draft again. Raises Refusal when its time is over."""
    found = _locked(announcement.id)
    if found.send_at is None:
        raise Refusal(_l("This is a draft: nothing of it has been sent."))
    if found.made_at is not None or now >= found.send_at:
        raise Refusal(_l("It is too late to take this back: its mails are leaving. Write another that corrects it."))
    found.send_at = None


def _locked(number: int) -> Announcement:
    """Return an announcement as it stands now, locked until the unit of work ends. Raises NotFound."""
    found = db.session.execute(
        select(Announcement)
        .where(Announcement.id == number)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if found is None:
        raise _not_there()
    return found


def _add(event: Event, content: Content, *, by: int, now: datetime) -> Announcement:
    if now >= forget_at(event):
        raise Refusal(_l("The personal data of this event has been deleted: nobody is left to write to."))
    made = Announcement(event_id=event.id, created_by=by, created_at=now, updated_at=now)
    _put(made, content, now=now)
    db.session.add(made)
    db.session.flush()
    return made


def _put(announcement: Announcement, content: Content, *, now: datetime) -> None:
    """Each saving has a moment of its own, whatever the clock says: by it `save` knows what somebody has seen."""
    announcement.subject, announcement.text = dict(content.subject), dict(content.text)
    announcement.states = [state.value for state in content.group.states]
    announcement.categories = list(content.group.categories)
    announcement.sessions = list(content.group.sessions)
    announcement.languages = list(content.group.languages)
    announcement.updated_at = max(now, announcement.updated_at + timedelta(microseconds=1))


def _refuse_unless_draft(announcement: Announcement) -> None:
    if announcement.send_at is not None:
        raise Refusal(_l("This has been sent: write another from it."))


def _changed_meanwhile() -> Refusal:
    return Refusal(
        _l("Somebody has changed this announcement in the meantime; compare with what stands now, and send it again.")
    )


def _not_there() -> NotFound:
    return NotFound(_l("There is no such announcement; the list has them all."))
