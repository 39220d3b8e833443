"""From the text of an event file to the event, in one step that is taken whole or not at all."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from datetime import date, datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from registration.domain import admission, revisions
from registration.domain.event_file.applying import bring, create
from registration.domain.event_file.checking import fit_faults
from registration.domain.event_file.faults import EventFileFaults, Fault
from registration.domain.event_file.keeping import keep_told_rules, kept_faults
from registration.domain.event_file.planning import Planned, plan_event
from registration.domain.event_file.reading import decode, read
from registration.domain.event_file.validating import schema_faults
from registration.domain.event_file.walltimes import movement, parse_shift
from registration.domain.programme import event_called
from registration.domain.reminder_edits import begin_anew, withdraw
from registration.domain.reminder_values import reach_of
from registration.errors import Refusal
from registration.extensions import db
from registration.models import Event, EventSession
from registration.models.event import EventState

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
SLUG_LENGTH = 80


class Outcome(enum.StrEnum):
    """What an import did."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class ImportResult:
    """The event of a file, and what became of it."""

    event: Event
    outcome: Outcome


def import_event(
    content: str | bytes, *, as_slug: str | None = None, shift_to: str | date | None = None, now: datetime
) -> ImportResult:
    """Bring the event that a file's `content` describes into the database, within the caller's unit of work.

    `as_slug` is its slug in place of the file's. `shift_to` is the wall time (naive, in the event's zone) at
    which the first session is to start, or only its day, both also as they are written ("2027-05-25T10:00");
    every wall time of the file moves by as much. An event of that slug is changed in place: rows are found
    again by their slugs, registrations stay, and who waits gets the places that came free.

    Raises EventFileFaults with everything that is wrong with the file, and Refusal for a slug or shift that
    cannot be.
    """
    if as_slug is not None and (len(as_slug) > SLUG_LENGTH or not SLUG.fullmatch(as_slug)):
        raise Refusal(_l("A slug has small letters a to z, digits and single hyphens, as dialogue-next."), "as")
    shift = parse_shift(shift_to) if isinstance(shift_to, str) else shift_to
    document = read(decode(content) if isinstance(content, bytes) else content)
    moved = movement(document.root if isinstance(document.root, dict) else {}, shift)
    _raise_any([*schema_faults(document), *fit_faults(document, moved)])
    planned = plan_event(document.root, as_slug=as_slug, moved=moved)
    event = event_called(planned.name)
    if event is None:
        return ImportResult(_create(planned, now=now), Outcome.CREATED)
    admission.lock_event(event.id)
    _lock_sessions(event)
    _raise_any([*kept_faults(event, planned, document)])
    keep_told_rules(event, planned)
    return ImportResult(event, _update(event, planned, now=now))


def _lock_sessions(event: Event) -> None:
    """Read the sessions anew under their locks: a worker may just have told of the changes that were gathered."""
    rows = select(EventSession).where(EventSession.event_id == event.id).order_by(EventSession.id)
    db.session.execute(rows.with_for_update(key_share=True).execution_options(populate_existing=True)).all()


def _create(planned: Planned, *, now: datetime) -> Event:
    event = create(planned, now=now)
    assert isinstance(event, Event)  # noqa: S101
    db.session.add(event)
    for session in event.sessions:
        revisions.begin(session, now=now)
    db.session.flush()
    return event


def _update(event: Event, planned: Planned, *, now: datetime) -> Outcome:
    reaches = {rule: reach_of(rule) for rule in event.reminder_rules}
    with db.session.no_autoflush:
        changed = bring(event, planned, now=now)
    if not changed:
        return Outcome.UNCHANGED
    db.session.flush()
    withdraw([one.id for one in event.reminder_rules if one.paused], now=now)
    begin_anew([one.id for one in event.reminder_rules if reaches.get(one, reach_of(one)) != reach_of(one)], now=now)
    db.session.expire(event, ["sessions", "categories", "reminder_rules"])
    if event.state is EventState.PUBLISHED:
        admission.fill_places(event, now=now)
    return Outcome.UPDATED


def _raise_any(faults: list[Fault]) -> None:
    if faults:
        raise EventFileFaults(faults)
