"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytz

START = datetime(2026, 3, 2, 15, 0, tzinfo=pytz.utc)
"""A Monday, 10:00 in New York, six days before the clocks go forward there."""


class FakeClock:
    """What `create_app(..., clock=)` takes: called, it tells `now`, an aware datetime in UTC."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> datetime:
        """Move on by a length of time and return the new now."""
        self.now += by
        return self.now

    def move_to(self, moment: datetime) -> datetime:
        """Move to an aware moment and return it, in UTC."""
        self.now = moment.astimezone(pytz.utc)
        return self.now


class Seconds:
    """The machine's own seconds, by which limits count: they stand still until the test moves them."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.now += seconds
