"""Taking down what has happened, whatever has become of the database meanwhile."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError

from registration.domain.outbox import LEASE
from registration.extensions import DATABASE_AWAY, db

logger = logging.getLogger("plenary.mail")

PAUSE = 1.0
"""Seconds between two tries."""

Stop = Callable[[], bool]


def surely(record: Callable[[], None], stop: Stop) -> None:
    """Record something, again and again while the database is away, locked or full: a mail whose 250 is not recorded is
    sent twice, and what is not given back waits until the lease is over.

    Raises the database's error when told to `stop`, and after the time of a lease, when the mail may be another's.
    """
    give_up = time.monotonic() + LEASE.total_seconds()
    while True:
        try:
            return record()
        except DATABASE_AWAY as error:
            leave_unit()
            if stop() or time.monotonic() >= give_up:
                raise
            kind = type(error).__name__
            logger.error("the database takes nothing down now; nothing is sent until it does (%s)", kind)
            time.sleep(PAUSE)


def leave_unit() -> None:
    """Leave the unit of work that a fault broke off; where its connection is gone, there is nothing to leave."""
    with suppress(SQLAlchemyError):
        db.session.rollback()


def leave_unit_after(error: Exception, what: str, log: logging.Logger) -> None:
    """Leave the unit of work, and log the kind of the fault alone: a traceback would quote people's data."""
    leave_unit()
    log.error("%s (%s)", what, type(error).__name__)
