"""Emptying the tray: the worker answers what was sent by the forms that are open to all, each in a unit of its own."""

from __future__ import annotations

import logging
from datetime import datetime

from registration.domain import submissions
from registration.domain.submissions import Taken
from registration.extensions import writing
from registration.mail.recording import leave_unit_after

logger = logging.getLogger("plenary.worker")

AT_ONCE = 100
"""So many are answered in a row: a crowd that signs up holds up no reminder."""


def empty(*, now: datetime) -> int:
    """Answer what waits, the oldest first, AT_ONCE at most. Returns how many were taken in hand.

    Any number of workers may do so at once. One that cannot be answered is logged, by the kind of fault alone, and put
    off; it holds up no other.
    """
    return next((number for number in range(AT_ONCE) if not _answer_next(now)), AT_ONCE)


def _answer_next(now: datetime) -> bool:
    taken: Taken | None = None
    try:
        with writing():
            taken = submissions.next_waiting(now=now)
            if taken is None:
                return False
            submissions.answer(taken, now=now)
    except Exception as error:
        if taken is None:
            raise
        leave_unit_after(error, "what was sent by a form cannot be answered", logger)
        with writing():
            submissions.put_off(taken, now=now)
    return True
