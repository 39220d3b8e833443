"""The worker: `sweep` makes what falls due, `deliver` sends what is owed, and a loop calls them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from registration import clock
from registration.domain import admission, notices, outbox, reminders, signup
from registration.domain.accounts import expire_sessions
from registration.domain.privacy import purge
from registration.extensions import db, wipe_free_space, writing
from registration.keys import new_public_id
from registration.mail.handover import hand_over
from registration.mail.posting import Unreachable, postman

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
            db.session.rollback()
            _log(f"{step.__name__.strip('_')} failed", error)


def deliver(owner: str, limit: int = BATCH, stop: Stop = lambda: False) -> int:
    """Claim a batch of what is owed and hand it over, one commit per mail. Returns how many mails were tried.

    Between two mails it looks whether it should `stop`, and whether half of its lease is over: no mail is begun that
    might still be under way when another worker may claim it. What it then holds goes back at once, as it does when
    the mail server cannot be reached (raises Unreachable).
    """
    begun = clock.now()
    with writing():
        mails = outbox.claim(owner=owner, limit=limit, now=begun)
    if not mails:
        return 0
    try:
        with postman() as post:
            return hand_over(mails, owner, post, lambda: not stop() and clock.now() - begun < outbox.LEASE / 2)
    finally:
        with writing():
            outbox.release(owner=owner)


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
        db.session.rollback()
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
