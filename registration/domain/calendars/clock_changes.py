"""When the clocks change in a zone, and by which yearly rules: derived from pytz, and proved against it."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import pytz

FIRST_YEAR = 1970  # older changes are of no use: nobody held virtual events
LAST_KNOWN_YEAR = 2037  # pytz's tables end there
COMMON_YEAR = 2021  # rules name only days of the month that every year has
WEEK = 7


class Change(NamedTuple):
    """One change of the clocks, at the naive wall time that they show just before it."""

    wall: datetime
    offset_from: timedelta
    offset_to: timedelta
    name: str


@dataclass(frozen=True)
class YearlyChange:
    """A change that falls, each year, on the first such weekday on or after a `day` of the month.

    Month, weekday, time of day and offsets are those of `first`, the change in the first year of the rule.
    """

    first: Change
    day: int

    def in_year(self, year: int) -> Change:
        """Return the change in a year."""
        wall = self.first.wall
        earliest = date(year, wall.month, self.day)
        fallen = earliest + timedelta(days=(wall.weekday() - earliest.weekday()) % WEEK)
        return self.first._replace(wall=datetime.combine(fallen, wall.time()))

    @property
    def ordinal(self) -> int | None:
        """Which such weekday of the month it is: 1 to 4, -1 for the last; None where no ordinal says it."""
        if self.day % WEEK == 1:
            return self.day // WEEK + 1
        return -1 if self.day == _latest_day(self.first) else None


Rules = tuple[YearlyChange, ...]
ChangesByYear = Mapping[int, tuple[Change, ...]]


@lru_cache(maxsize=1024)
def yearly_changes(zone_name: str, first_year: int, last_year: int) -> Rules | None:
    """Return the rules by which the clocks of an IANA zone change; no rules if they do not change.

    From the year before `first_year` to the year after `last_year` the rules give just the changes that pytz
    knows. They begin with the year from which they have held without a break.

    Returns None where no such rules exist (Africa/Casablanca keeps Ramadan) and for years that pytz does not
    reach.
    """
    if last_year >= LAST_KNOWN_YEAR:
        return None
    changes = _changes(zone_name)
    years = range(first_year - 1, last_year + 2)
    rules = tuple(_best_rule(change, changes, years) for change in changes.get(years[0], ()))
    if not all(_hold(rules, changes, year) for year in years):
        return None
    return _from_their_beginning(rules, changes, first_year)


@lru_cache(maxsize=512)
def _changes(zone_name: str) -> ChangesByYear:
    """Return the changes of a zone's offset that pytz knows since 1970, by their year in wall time."""
    zone = pytz.timezone(zone_name)
    # pytz has no public way to its table. A zone that never had but one offset has no table.
    instants = getattr(zone, "_utc_transition_times", ())
    kinds = getattr(zone, "_transition_info", ())
    changes: dict[int, tuple[Change, ...]] = {}
    for instant, (offset_from, *_), (offset_to, _, name) in zip(instants[1:], kinds, kinds[1:], strict=False):
        if offset_from != offset_to and instant.year >= FIRST_YEAR:
            change = Change(instant + offset_from, offset_from, offset_to, name)
            changes[change.wall.year] = (*changes.get(change.wall.year, ()), change)
    return changes


def _best_rule(change: Change, changes: ChangesByYear, years: range) -> YearlyChange:
    """Return the rule that gives `change` and most of its like: first in `years`, then in all years."""

    def merit(rule: YearlyChange) -> tuple[int, int, bool]:
        kept = [year for year, those in changes.items() if rule.in_year(year) in those]
        return len(set(kept).intersection(years)), len(kept), rule.ordinal is not None

    latest = min(change.wall.day, _latest_day(change))
    earliest = min(max(1, change.wall.day - WEEK + 1), latest)
    return max((YearlyChange(change, day) for day in range(earliest, latest + 1)), key=merit)


def _hold(rules: Rules, changes: ChangesByYear, year: int) -> bool:
    return changes.get(year, ()) == tuple(rule.in_year(year) for rule in rules)


def _from_their_beginning(rules: Rules, changes: ChangesByYear, year: int) -> Rules:
    while rules and _hold(rules, changes, year - 1):
        year -= 1
    return tuple(replace(rule, first=rule.in_year(year)) for rule in rules)


def _latest_day(change: Change) -> int:
    """Return the day of the change's month that begins its last seven days."""
    return monthrange(COMMON_YEAR, change.wall.month)[1] - WEEK + 1
