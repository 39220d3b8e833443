"""Who may do what: one table of actions and roles. What stands in no row is allowed to nobody."""

from __future__ import annotations

import enum
from collections.abc import Sequence

from sqlalchemy import select

from registration.extensions import db
from registration.models import Event, Organizer
from registration.models.organizer import Role


class Action(enum.StrEnum):
    """What organizers do with an event."""

    SEE_NUMBERS = "see_numbers"
    SEE_BOOK = "see_book"
    """Read the book of exports and of looks at what is masked."""
    SEE_LIST = "see_list"
    DECIDE = "decide"
    """Approve and decline."""
    EDIT_SESSIONS = "edit_sessions"
    """Move, rename, re-link, cancel sessions and bring them back, and have participants told at once or again."""
    EDIT_MAIL = "edit_mail"
    """Write reminder rules and announcements, pause and send them, and take them back."""
    SEND_AGAIN = "send_again"
    """Send one person's mail again, and write again to an address that had been stopped."""
    SEE_CATEGORY = "see_category"
    """Read on one registration's page which category at risk it is in, for a reason that goes into the book."""
    SEE_VETTING_NAME = "see_vetting_name"
    """Read one registration's name for vetting, for a reason that goes into the book."""
    EXPORT = "export"
    ERASE = "erase"
    """Erase one person at once."""
    UNMASK = "unmask"
    """See in lists and exports who is in a category at risk, for a reason that goes into the book."""


ALLOWED: dict[Action, frozenset[Role]] = {
    Action.SEE_NUMBERS: frozenset(Role),
    Action.SEE_BOOK: frozenset({Role.OWNER, Role.EDITOR, Role.REVIEWER, Role.EXPORTER}),
    Action.SEE_LIST: frozenset({Role.OWNER, Role.EDITOR, Role.REVIEWER, Role.EXPORTER}),
    Action.DECIDE: frozenset({Role.OWNER, Role.EDITOR, Role.REVIEWER}),
    Action.EDIT_SESSIONS: frozenset({Role.OWNER, Role.EDITOR}),
    Action.EDIT_MAIL: frozenset({Role.OWNER, Role.EDITOR}),
    Action.SEND_AGAIN: frozenset({Role.OWNER, Role.EDITOR, Role.REVIEWER}),
    Action.SEE_CATEGORY: frozenset({Role.OWNER, Role.REVIEWER}),
    Action.SEE_VETTING_NAME: frozenset({Role.OWNER, Role.REVIEWER}),
    Action.EXPORT: frozenset({Role.OWNER, Role.EXPORTER}),
    Action.ERASE: frozenset({Role.OWNER}),
    Action.UNMASK: frozenset({Role.OWNER}),
}


def may(organizer: Organizer, action: Action, event: Event) -> bool:
    """Whether one of the organizer's roles, on this event or on all, allows the action."""
    if organizer.disabled:
        return False
    return any(one.role in ALLOWED[action] for one in organizer.roles if one.event_id in (None, event.id))


def events_of(organizer: Organizer) -> Sequence[Event]:
    """Return the events on which the organizer has a role, the newest first."""
    query = select(Event).order_by(Event.registration_closes.desc(), Event.id)
    ids = [one.event_id for one in organizer.roles]
    if None not in ids:
        query = query.where(Event.id.in_(ids))
    return db.session.execute(query).scalars().all()
