"""The worker: `sweep` makes what falls due, `deliver` sends what is owed, and a loop calls them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from email.message import EmailMessage

from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from registration import clock
from registration.domain import admission, invitations, notices, outbox, reminders, signup
from registration.domain.accounts import expire_sessions
from registration.domain.invitations import Told
from registration.domain.outbox import Outcome
from registration.domain.owed import still_owed
from registration.domain.privacy import purge
from registration.extensions import db, wipe_free_space, writing
from registration.keys import new_public_id
from registration.mail.letters import letter_for
from registration.mail.posting import (
    FilePostman,
    Postman,
    Unreachable,
    Withdrawn,
    message_of,
    postman,
    sender_domain,
)

logger = logging.getLogger("plenary.worker")

BATCH = 50
PAUSE = 1.0
"""Seconds between two looks at what is due."""
OUTAGE_PAUSE = 5.0
"""Seconds before a mail server that could not be reached is tried again."""

Stop = Callable[[], bool]


def sweep() -> None:
    """Make what falls due now: notices of changes, reminders, moves of waiting lists, and what is to be forgotten.

    A step that fails is logged and holds up neither the others nor the mail.
    """
    for step in (_make_notices, _make_reminders, _fill_places, _forget):
        try:
            step(clock.now())
        except Exception as error:  # noqa: BLE001 - the next sweep tries again
            _leave_unit()
            _log(f"{step.__name__.strip('_')} failed", error)


def deliver(owner: str, limit: int = BATCH, stop: Stop = lambda: False) -> int:
    """Claim a batch of what is owed and hand it over, one commit per mail. Returns how many mails were tried.

    Between two mails it looks whether it should `stop`, and whether half of its lease is over: no mail is begun that
    might still be under way when another worker may claim it. What it then holds goes back at once, as it does when
    the mail server cannot be reached (raises Unreachable). While the database takes nothing down, nothing is sent.
    """
    begun = clock.now()
    mails: list[list[int]] | None = None
    tried = 0
    try:
        with writing():
            mails = outbox.claim(owner=owner, limit=limit, now=begun)
        with postman() as post:
            for delivery_ids in mails:
                if stop() or clock.now() - begun >= outbox.LEASE / 2:
                    break
                _send(delivery_ids, owner, post, stop)
                tried += 1
    finally:
        if mails != []:  # Of a claim that failed nobody knows whether it was kept.
            _surely(lambda: _release(owner), stop)
    return tried


def run_once(stop: Stop = lambda: False) -> int:
    """Do all that is due, then return how many mails were tried. Raises Unreachable where mail cannot leave."""
    owner = new_public_id()
    sweep()
    total = 0
    while not stop():
        tried = deliver(owner, stop=stop)
        if not tried:
            break
        total += tried
    return total


def run_until(stopped: threading.Event) -> None:
    """Sweep and deliver until `stopped` is set; a fault is logged and the next round tries again."""
    owner = new_public_id()
    while not stopped.is_set():
        sweep()
        stopped.wait(_round(owner, stopped.is_set))


def _round(owner: str, stop: Stop) -> float:
    """Deliver one batch. Returns the seconds to wait before the next."""
    try:
        return 0 if deliver(owner, stop=stop) else PAUSE
    except Unreachable as error:
        logger.warning("the mail server takes no mail now (%s)", error)
        return OUTAGE_PAUSE
    except Exception as error:  # noqa: BLE001 - one fault must not end the worker
        _leave_unit()
        _log("a delivery failed", error)
        return PAUSE


def _make_notices(now: datetime) -> None:
    for session_id in notices.due_sessions(now=now):
        with writing():
            notices.tell(session_id, now=now)


def _make_reminders(now: datetime) -> None:
    with writing():
        reminders.make_reminders(now=now)


def _fill_places(now: datetime) -> None:
    with writing():
        admission.fill_all(now=now)


def _forget(now: datetime) -> None:
    with writing():
        signup.expire_unverified(now=now)
        expire_sessions(now=now)
        forgotten = purge(now=now)
    if forgotten and not wipe_free_space():
        logger.error("the database is in use: run `flask purge` once more to wipe what was deleted")


def _log(what: str, error: Exception) -> None:
    """Log the kind of fault alone: a traceback would quote people's data."""
    logger.error("%s (%s)", what, type(error).__name__)


def _send(delivery_ids: list[int], owner: str, post: Postman | FilePostman, stop: Stop) -> None:
    """Hand one mail over and record how it went. What changes meanwhile is not sent, but written anew in the next
    batch."""
    before = outbox.marks(delivery_ids, owner=owner, now=clock.now())
    sent_ids, message, told = _message(delivery_ids, owner)
    expected = {one: before.get(one) for one in sent_ids}
    if message is not None:
        with suppress(Withdrawn):
            outcome = post.post(message, lambda: _marks(sent_ids, owner) == expected)
            _surely(lambda: _settle(sent_ids, outcome, owner, told), stop)
    elif sent_ids:
        _settle(sent_ids, Outcome(sent=False), owner)


def _surely(record: Callable[[], None], stop: Stop) -> None:
    """Record something, again and again while the database is away, locked or full: a mail whose 250 is not recorded is
    sent twice, and what is not given back waits until the lease is over.

    Raises the database's error when told to `stop`, and after the time of a lease, when the mail may be another's.
    """
    give_up = time.monotonic() + outbox.LEASE.total_seconds()
    while True:
        try:
            return record()
        except (OperationalError, InterfaceError) as error:
            _leave_unit()
            if stop() or time.monotonic() >= give_up:
                raise
            _log("the database takes nothing down now; nothing is sent until it does", error)
            time.sleep(PAUSE)


def _leave_unit() -> None:
    """Leave the unit of work that a fault broke off; where its connection is gone, there is nothing to leave."""
    with suppress(SQLAlchemyError):
        db.session.rollback()


def _release(owner: str) -> None:
    with writing():
        outbox.release(owner=owner)


def _marks(delivery_ids: list[int], owner: str) -> dict[int, tuple[object, ...]]:
    """Return the marks as they are now, in a transaction that ends with the look."""
    try:
        return outbox.marks(delivery_ids, owner=owner, now=clock.now())
    finally:
        db.session.rollback()


def _message(delivery_ids: list[int], owner: str) -> tuple[list[int], EmailMessage | None, Sequence[Told]]:
    """Read again what is still owed, drop what is not, and write the message.

    A letter that cannot be written waits like one that could not be sent; where the database is away, no letter is to
    blame. Only the kind of fault is logged: a traceback would quote the person's data.
    """
    now = clock.now()
    owed = [found for one in delivery_ids if (found := still_owed(one, owner=owner, now=now))]
    owed_ids = [delivery.id for delivery in owed]
    message: EmailMessage | None = None
    told: Sequence[Told] = ()
    if owed:
        try:
            letter = letter_for(owed, now=now)
            message_id = outbox.message_id(owed[0], sender_domain(), version=letter.version)
            message, told = message_of(letter, message_id=message_id, now=now), letter.told
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:  # noqa: BLE001 - one letter must not hold up the others
            _log(f"a {owed[0].kind} letter cannot be written", error)
    db.session.rollback()
    gone = set(delivery_ids) - set(owed_ids)
    if gone:
        with writing():
            sure = [one for one in sorted(gone) if not still_owed(one, owner=owner, now=now, locked=True)]
            outbox.drop(sure, owner=owner, now=now)
    return owed_ids, message, told


def _settle(delivery_ids: list[int], outcome: Outcome, owner: str, told: Sequence[Told] = ()) -> None:
    """Record how a try ended, and what the mail told if it was handed over, in one commit."""
    now = clock.now()
    with writing():
        outbox.settle(delivery_ids, outcome, owner=owner, now=now)
        if outcome.sent:
            invitations.note(told, now=now)
