"""What a file asks for -> rows: found again by name, changed in place, touched only where they differ."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from registration.domain import revisions
from registration.domain.event_file.planning import Planned
from registration.extensions import Base
from registration.keys import new_public_id
from registration.models import Event, EventSession, Question

MATERIAL = {"title", "starts_wall", "ends_wall", "starts_at", "ends_at", "state", "streams"}
"""What of a session stands in calendars and in mails that have gone out: a change raises its revision."""
MATERIAL_OF_EVENT = {"title", "state", "zone"}
"""What of an event stands in the calendar entries of all its sessions."""
CODE_LENGTH = 10
"""60 bits, to stand in /s/CODE/."""


def create(planned: Planned, *, now: datetime) -> Base:
    """Return a new row, with all below it, that is in no database yet."""
    row = planned.model(**{_name_of(planned.model): planned.name}, **planned.values)
    if isinstance(row, Event | EventSession):
        row.created_at = row.updated_at = now
    if isinstance(row, EventSession):
        row.code, row.revision = new_public_id()[:CODE_LENGTH], 0
    for relationship, rows in planned.below.items():
        getattr(row, relationship).extend(create(below, now=now) for below in rows)
    return row


def bring(row: Base, planned: Planned, *, now: datetime) -> set[str]:
    """Change a row and all below it into what is planned. Returns its columns and relationships that changed."""
    changed = {name for name, value in planned.values.items() if getattr(row, name) != value}
    numbers = {one: one.revision for one in row.sessions} if isinstance(row, Event) else {}
    for name in changed:
        setattr(row, name, planned.values[name])
    for relationship, rows in planned.below.items():
        if _bring_below(getattr(row, relationship), rows, now=now):
            changed.add(relationship)
    if isinstance(row, EventSession):
        _date(row, changed, now=now)
    if isinstance(row, Event) and changed:
        row.version += 1
        row.updated_at = now
        _keep_revisions(row, numbers, is_material=bool(changed & MATERIAL_OF_EVENT), now=now)
    return changed


def _date(session: EventSession, changed: set[str], *, now: datetime) -> None:
    """Note when what stands in a session's calendar entry changed (RFC 5545, 3.8.7.3); the theme is its description."""
    if changed & MATERIAL:
        revisions.revise(session, now=now)
    elif "theme" in changed:
        session.updated_at = now


def _keep_revisions(event: Event, numbers: Mapping[EventSession, int], *, is_material: bool, now: datetime) -> None:
    """Begin the revisions of sessions that are new, and revise all others for what stands in all their entries."""
    for session in event.sessions:
        if session not in numbers:
            revisions.add(session, now=now)
        elif is_material and numbers[session] == session.revision:
            revisions.revise(session, now=now)


def _bring_below(rows: list[Any], planned: list[Planned], *, now: datetime) -> bool:
    present = {getattr(row, _name_of(type(row))): row for row in rows}
    changed = False
    for one in planned:
        row = present.pop(one.name, None)
        if row is None:
            rows.append(create(one, now=now))
        changed |= row is None or bool(bring(row, one, now=now))
    for gone in present.values():
        rows.remove(gone)
        changed = True
    return changed


def _name_of(model: type[Base]) -> str:
    return "name" if model is Question else "slug"
