"""How much room pages say there is in a category: places are free, few are left, or none; never how many.

What pages say stands in the event's row and is brought up to date by the worker, so that no page counts people.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, select, update
from sqlalchemy.orm import selectinload

from registration.domain.admission import Places
from registration.extensions import db
from registration.models import Event
from registration.models.event import EventState

FEW = 5
FEW_SHARE = 10
"""Few places are left where no more than FEW are, or no more than one in FEW_SHARE."""


class Openness(enum.StrEnum):
    """What pages say of the places."""

    FREE = "free"
    FEW = "few"
    FULL = "full"


def openness(limits: Sequence[tuple[int, int]]) -> Openness:
    """Return what to say where these limits stand: (places held, places there are) of each."""
    left = [(places - held, places) for held, places in limits]
    if any(free <= 0 for free, _places in left):
        return Openness.FULL
    if any(free <= max(FEW, places // FEW_SHARE) for free, places in left):
        return Openness.FEW
    return Openness.FREE


def shown(event: Event) -> dict[str, Openness]:
    """Return what pages say of each category, by its slug."""
    said = event.openness or {}
    return {one.slug: Openness(said.get(one.slug, Openness.FREE)) for one in event.categories}


def shown_at_best(event: Event) -> Openness:
    """Return what the event's own page says: as much room as its most open category has."""
    said = set(shown(event).values())
    return next((one for one in Openness if one in said), Openness.FREE)


def stale(*, now: datetime) -> dict[int, dict[str, str]]:
    """Return {event id: what to say of its categories} where pages say something else by now; of events that take
    sign-ups, or will."""
    open_still = and_(Event.state == EventState.PUBLISHED, Event.registration_closes > now)
    events = db.session.execute(select(Event).where(open_still).options(selectinload(Event.categories))).scalars()
    counted = {event.id: (event.openness or {}, _counted(event)) for event in events}
    return {event_id: found for event_id, (said, found) in counted.items() if found != said}


def say(event_id: int, said: dict[str, str]) -> None:
    """Let the pages of an event say this of its categories, from now on."""
    values = {"openness": said, "version": Event.version + 1}
    db.session.execute(update(Event).where(Event.id == event_id).values(values))


def _counted(event: Event) -> dict[str, str]:
    if event.places is None and all(one.places is None for one in event.categories):
        return {}
    places = Places(event)
    found = {one.slug: openness(places.limited(one.id)) for one in event.categories}
    return {slug: one.value for slug, one in found.items() if one is not Openness.FREE}
