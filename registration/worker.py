"""The worker: `sweep` makes what falls due, `deliver` sends what is owed, and a loop calls them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from email.message import EmailMessage

from registration import clock
from registration.domain import admission, outbox, reminders, signup
from registration.domain.accounts import expire_sessions
from registration.domain.outbox import Outcome
from registration.domain.privacy import purge
from registration.extensions import db, wipe_free_space, writing
from registration.keys import new_public_id
from registration.mail.letters import letter_for
from registration.mail.posting import FilePostman, Postman, Unreachable, message_of, postman, sender_domain

logger = logging.getLogger("plenary.worker")

BATCH = 50
PAUSE = 1.0
"""Seconds between two looks at what is due."""

Stop = Callable[[], bool]


def sweep() -> None:
    """Make what falls due now: reminders, moves of waiting lists, and what is to be forgotten."""
    now = clock.now()
    with writing():
        reminders.make_reminders(now=now)
    with writing():
        admission.fill_all(now=now)
    with writing():
        signup.expire_unverified(now=now)
        expire_sessions(now=now)
        forgotten = purge(now=now)
    if forgotten:
        wipe_free_space()


def deliver(owner: str, limit: int = BATCH, stop: Stop = lambda: False) -> int:
    """Claim a batch of what is owed and hand it over, one commit per mail. Returns how many mails were tried.

    Between two mails it looks whether it should `stop`, and whether half of its lease is over: no mail is begun that
    might still be under way when another worker may claim it. What it then holds goes back at once.
    """
    begun = clock.now()
    with writing():
        mails = outbox.claim(owner=owner, limit=limit, now=begun)
    tried = 0
    try:
        with postman() as post:
            for delivery_ids in mails:
                if stop() or clock.now() - begun >= outbox.LEASE / 2:
                    break
                _send(delivery_ids, owner, post)
                tried += 1
    except Unreachable as error:
        logger.warning("the mail server cannot be reached (%s)", error)
        tried = 0
    finally:
        if mails:
            with writing():
                outbox.release(owner=owner)
    return tried


def run_once(stop: Stop = lambda: False) -> int:
    """Do all that is due, then return how many mails were tried."""
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
        tried = 0
        try:
            sweep()
            tried = deliver(owner, stop=stopped.is_set)
        except Exception as error:  # noqa: BLE001 - one fault must not end the worker
            db.session.rollback()
            logger.error("a round of the worker failed (%s)", type(error).__name__)
        if not tried:
            stopped.wait(PAUSE)


def _send(delivery_ids: list[int], owner: str, post: Postman | FilePostman) -> None:
    sent_ids, message = _message(delivery_ids, owner)
    if message is not None:
        try:
            outcome = post.post(message)
        except Unreachable:
            _settle(sent_ids, Outcome(sent=False), owner)
            raise
        _settle(sent_ids, outcome, owner)
    elif sent_ids:
        _settle(sent_ids, Outcome(sent=False), owner)


def _message(delivery_ids: list[int], owner: str) -> tuple[list[int], EmailMessage | None]:
    """Read again what is still owed, drop what is not, and write the message.

    A letter that cannot be written waits like one that could not be sent. Only the kind of fault is logged: a
    traceback would quote the person's data.
    """
    now = clock.now()
    owed = [found for one in delivery_ids if (found := outbox.still_owed(one, owner=owner, now=now))]
    owed_ids = [delivery.id for delivery in owed]
    message = None
    if owed:
        try:
            letter = letter_for(owed)
            message_id = outbox.message_id(owed[0], sender_domain())
            message = message_of(letter, message_id=message_id, now=now)
        except Exception as error:  # noqa: BLE001 - one letter must not hold up the others
            logger.error("a %s letter cannot be written (%s)", owed[0].kind, type(error).__name__)
    db.session.rollback()
    gone = set(delivery_ids) - set(owed_ids)
    if gone:
        with writing():
            outbox.drop(sorted(gone), owner=owner, now=now)
    return owed_ids, message


def _settle(delivery_ids: list[int], outcome: Outcome, owner: str) -> None:
    with writing():
        outbox.settle(delivery_ids, outcome, owner=owner, now=clock.now())
