"""When personal data goes: all of it, and before that single fields, so many days after the last session."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import NamedTuple

from registration.domain.personal import ERASABLE
from registration.domain.programme import ends_at
from registration.models import Event

VETTING = "vetting"
"""The name for vetting, which is sealed apart."""
FIELDS = (*ERASABLE, VETTING)
"""What can go earlier than the rest; name and address cannot, for lists and mails stand on them."""


class Clock(NamedTuple):
    """Fields that go together, and when (UTC)."""

    at: datetime
    fields: tuple[str, ...]


def forget_at(event: Event) -> datetime:
    """Return when the personal data of an event goes: its last session's end plus its retention days (UTC)."""
    return _after(event, event.retention_days)


def clocks(event: Event) -> list[Clock]:
    """Return which fields go before the rest, the first first."""
    together: defaultdict[int, list[str]] = defaultdict(list)
    for name in FIELDS:
        if name in (event.field_days or {}):
            together[event.field_days[name]].append(name)
    return [Clock(_after(event, days), tuple(names)) for days, names in sorted(together.items())]


def fields_over(event: Event, *, now: datetime) -> list[str]:
    """Return the fields whose time is over."""
    return sorted(name for clock in clocks(event) if clock.at <= now for name in clock.fields)


def _after(event: Event, days: int) -> datetime:
    return ends_at(event) + timedelta(days=days)
