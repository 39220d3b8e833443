"""How fast mail may leave, all workers together: a token bucket in the database, the one queue that they share."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from registration.extensions import db, insert_new
from registration.models import MailPace

ROW = 1
SKEW = 10
"""Seconds that the clocks of workers may differ; a row from further ahead was written under a clock that was wrong."""


class TooSoon(Exception):
    """No more mail may leave yet; `seconds` until it may."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"{seconds:.1f} s")
        self.seconds = seconds


def take(wanted: int, *, per_minute: int, now: datetime) -> int:
    """Take leave to send up to `wanted` mails now, where `per_minute` (0: any number) may leave in a minute.

    Leave gathers for a second at the most, or for one mail, and is given out when so much has gathered. Raises TooSoon
    before that. `give_back` what is not used. Inside a unit of work that writes.
    """
    if not per_minute:
        return wanted
    per_second = per_minute / 60
    most = max(1.0, per_second)
    pace = _locked(most, now)
    elapsed = (now - pace.filled_at).total_seconds()
    tokens = most if elapsed < -SKEW else min(most, pace.tokens + max(0.0, elapsed) * per_second)
    needed = min(wanted, int(most))
    if tokens < needed:
        raise TooSoon((needed - tokens) / per_second)
    pace.tokens, pace.filled_at = tokens - needed, now
    return needed


def give_back(unused: int, *, per_minute: int) -> None:
    """Give back what was taken and is not used; in the same unit of work."""
    if per_minute and unused:
        db.session.get_one(MailPace, ROW).tokens += unused


def _locked(most: float, now: datetime) -> MailPace:
    insert_new(MailPace, {"id": ROW, "tokens": most, "filled_at": now})
    query = select(MailPace).where(MailPace.id == ROW).with_for_update()
    return db.session.execute(query.execution_options(populate_existing=True)).scalar_one()
