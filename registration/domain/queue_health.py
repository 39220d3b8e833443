"""How the outbox does, and the tray before it: what has left, what waits, and what is due and does not leave."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Row, String, and_, case, cast, distinct, func, select

from registration.domain import reminders
from registration.domain.refused import REFUSED_FOR_NOW, WAITS
from registration.domain.reminders import Due
from registration.extensions import db
from registration.models import Delivery, Event, Registration, StoppedAddress, Submission
from registration.models.delivery import DeliveryState as State

PATIENCE = timedelta(minutes=2)
"""What is due for longer, and has not left, is overdue."""


class Standing(enum.StrEnum):
    """How a mail stands, as operators see it: what waits is told apart by why."""

    DUE = "due"
    """It may be sent now."""
    WAITING = "waiting"
    """Its time has not come."""
    RETRYING = "retrying"
    """The mail server did not take it, and is asked again later."""
    SENT = "sent"
    FAILED = "failed"
    BOUNCED = "bounced"
    STOPPED = "stopped"
    DROPPED = "dropped"


class Cause(enum.StrEnum):
    """Why mail is overdue, as far as the database tells."""

    REFUSED = "refused"
    """Mail servers have been asked about each, and say no for now."""
    BUSY = "busy"
    """A worker is at it, and has more to do than it can."""
    SILENT = "silent"
    """No worker runs, or the mail server cannot be reached."""
    FAULTY = "faulty"
    """A worker has tried what was sent by forms, and cannot answer it."""


@dataclass(frozen=True)
class QueueHealth:
    """All mails by how they stand; when the oldest that has not left was due; how many mails and rounds of reminders
    are overdue; to how many addresses nothing is sent any more; how many forms wait for their answer too long."""

    mails: Counter[Standing]
    oldest_due_at: datetime | None
    mails_overdue: int
    reminders_overdue: int
    addresses_stopped: int
    submissions_overdue: int = 0


@dataclass(frozen=True)
class Overdue:
    """What is overdue: so many mails, and so many rounds of reminders that nobody has made; the oldest since then.

    `cause`: why, but for those mails that are refused for now where there are others.
    """

    mails: int
    reminders: int
    since: datetime
    cause: Cause
    refused: int = 0
    """How many of the mails are refused for now."""
    people_refused: int = 0
    """To how many people these are."""
    submissions: int = 0
    """How many forms that people have sent nobody has answered."""


@dataclass(frozen=True)
class EventMails:
    """How many mails of one event stand how, and when the oldest that has not left was due."""

    number: Counter[Standing]
    oldest_due_at: datetime | None


def health(*, now: datetime) -> QueueHealth:
    """Return how the whole outbox does at `now`: counts from indexes, and a look at each mail that waits for later."""
    settled = db.session.execute(select(Delivery.state, func.count()).group_by(Delivery.state))
    mails = Counter({Standing(state): number for state, number in settled})
    later = and_(WAITS, Delivery.next_try_at > now)
    not_due = _count(later)
    mails[Standing.RETRYING] = _count(and_(later, Delivery.tries > 0))
    mails[Standing.DUE] = mails[Standing.WAITING] - not_due
    mails[Standing.WAITING] = not_due - mails[Standing.RETRYING]
    oldest = db.session.execute(select(func.min(Delivery.due_at)).where(WAITS, Delivery.due_at <= now)).scalar_one()
    return QueueHealth(
        mails=mails,
        oldest_due_at=oldest,
        mails_overdue=_count(and_(WAITS, Delivery.due_at < now - PATIENCE)),
        reminders_overdue=len(_reminders_overdue(now)),
        addresses_stopped=db.session.execute(select(func.count()).select_from(StoppedAddress)).scalar_one(),
        submissions_overdue=_unanswered(now).number,
    )


def overdue(*, now: datetime) -> Overdue | None:
    """Return what is overdue at `now`; None where all is well. Cheap where it is: the index holds nothing so old."""
    mails = db.session.execute(
        select(
            func.count().label("number"),
            func.min(Delivery.due_at).label("since"),
            func.count(case((REFUSED_FOR_NOW, Delivery.id))).label("refused"),
            func.count(distinct(case((REFUSED_FOR_NOW, Delivery.registration_id)))).label("people"),
            func.max(Delivery.claimed_until).label("claimed_until"),
        ).where(WAITS, Delivery.due_at < now - PATIENCE)
    ).one()
    rounds, forms = _reminders_overdue(now), _unanswered(now)
    since = [one for one in (mails.since, forms.since, *(due.due_at for due in rounds)) if one]
    if not since:
        return None
    cause = Cause.SILENT if rounds or forms.untried else _cause(mails, now)
    return Overdue(mails.number, len(rounds), min(since), cause, mails.refused, mails.people, forms.number)


def of_event(event: Event, *, now: datetime) -> EventMails:
    """Return how the mails of one event stand at `now`."""
    standing = case(
        (Delivery.state != State.WAITING, cast(Delivery.state, String)),
        (Delivery.next_try_at <= now, Standing.DUE.value),
        (Delivery.tries > 0, Standing.RETRYING.value),
        else_=Standing.WAITING.value,
    )
    due_at = case((and_(Delivery.state == State.WAITING, Delivery.due_at <= now), Delivery.due_at))
    rows = db.session.execute(
        select(standing.label("standing"), func.count().label("number"), func.min(due_at).label("oldest"))
        .join(Registration, Registration.id == Delivery.registration_id)
        .where(Registration.event_id == event.id, Registration.leaving_since.is_(None))
        .group_by("standing")
    ).all()
    number = Counter({Standing(row.standing): row.number for row in rows})
    return EventMails(number, min((row.oldest for row in rows if row.oldest), default=None))


def _count(which: ColumnElement[bool]) -> int:
    return db.session.execute(select(func.count()).select_from(Delivery).where(which)).scalar_one()


def _reminders_overdue(now: datetime) -> Sequence[Due]:
    """Return the rounds that a worker would have made by now; what an organizer has only just changed has time."""
    late = now - PATIENCE
    return [
        due
        for due in reminders.not_made(now=now)
        if max(due.due_at, due.session.updated_at, due.session.event.updated_at) < late
    ]


def _unanswered(now: datetime) -> Row[int, datetime | None, int]:
    """Count the forms that wait for longer than a worker would leave them, and those of them that none has tried."""
    untried = case((Submission.next_try_at == Submission.created_at, Submission.id))
    return db.session.execute(
        select(
            func.count().label("number"),
            func.min(Submission.created_at).label("since"),
            func.count(untried).label("untried"),
        ).where(Submission.created_at < now - PATIENCE)
    ).one()


def _cause(mails: Row[int, datetime, int, int, datetime | None], now: datetime) -> Cause:
    if not mails.number:
        return Cause.FAULTY
    if mails.number == mails.refused:
        return Cause.REFUSED
    return Cause.BUSY if mails.claimed_until and mails.claimed_until > now else Cause.SILENT
