"""Whether the organizer who asks sees categories at risk by name, and who may count whom.

A look at the list stays open for a while in the browser that asked for it: its session keeps the random id of the entry
in the book, which is read anew on every page.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from flask import session

from registration import clock
from registration.domain import unmasking
from registration.domain.access import Action, may
from registration.domain.masks import tells_apart
from registration.models import Event
from registration.web.access import current_organizer

LOOK = "look"
"""Under which name the session keeps the entry in the book."""


def open_until(event: Event) -> datetime | None:
    """Return until when this browser's look at an event's list is open; None where there is none."""
    organizer, look = current_organizer(), session.get(LOOK)
    if organizer is None or not isinstance(look, str):
        return None
    return unmasking.open_until(look, event, organizer, now=clock.now())


def unmasked(event: Event) -> bool:
    """Whether categories at risk are named: to an owner who has said why, for a while."""
    return open_until(event) is not None


def begin(look: str) -> None:
    """Open the look at the list that stands in the book under this public id."""
    session[LOOK] = look


def end() -> str | None:
    """Mask the list again in this browser. Returns under which public id its look stands in the book."""
    look = session.pop(LOOK, None)
    return look if isinstance(look, str) else None


def sees_counts(event: Event, categories: Collection[str]) -> bool:
    """Whether the organizer may know how many people are in a group of these categories: it is for those who see the
    list, and tells nobody how many are in one of several categories at risk who does not see which."""
    organizer = current_organizer()
    if organizer is None or not may(organizer, Action.SEE_LIST, event):
        return False
    return not tells_apart(event, categories) or unmasked(event)
