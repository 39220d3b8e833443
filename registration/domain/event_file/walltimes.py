"""The wall times of a file: reading them, and moving all of them together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l

from registration.errors import Refusal, plain

WRITTEN = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)", re.ASCII)
DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
FIRST_YEAR, LAST_YEAR = 2000, 2037
"""Before, few zones had today's rules; after, pytz knows no clock changes."""


def parse_wall(written: str) -> datetime:
    """Return the naive wall time that "2021-05-25 10:00" is. Raises Refusal."""
    match = WRITTEN.fullmatch(written)
    try:
        wall = datetime.fromisoformat(f"{match[1]} {match[2]}") if match else None
    except ValueError:
        wall = None
    if wall is None and _is_date(written):
        raise Refusal(_l("The time of day is missing; write it as 2021-05-25 10:00."))
    if wall is None:
        raise Refusal(_l("There is no such time; write it as 2021-05-25 10:00."))
    _refuse_far(wall)
    return wall


def parse_shift(written: str) -> date | datetime:
    """Return what stands after --shift-to: a date, or a naive wall time. Raises Refusal."""
    try:
        shift = date.fromisoformat(written) if len(written) == len("2021-05-25") else parse_wall(written)
    except (ValueError, Refusal):
        raise Refusal(
            _l(
                "%(written)s is no date; write it as 2027-05-25 or 2027-05-25T10:00.",
                written=plain(written),
            ),
            "shift-to",
        ) from None
    _refuse_far(shift)
    return shift


def movement(root: Mapping[str, Any], shift_to: date | None) -> timedelta:
    """Return by how much wall times move for the first session to start at `shift_to` (a date alone: on that
    day, at its own hour). Zero where nothing is to move, or no session has a time to move from. Raises
    Refusal."""
    starts = [one.get("starts") for one in dicts(root.get("sessions"))]
    walls = [wall for wall in map(wall_or_none, starts) if wall]
    if shift_to is None or not walls:
        return timedelta()
    first = min(walls)
    if not isinstance(shift_to, datetime):
        shift_to = datetime.combine(shift_to, time(first.hour, first.minute))
    _refuse_far(shift_to)
    return shift_to - first


def wall_or_none(written: object) -> datetime | None:
    """Return the wall time, or None where there is none that can be read."""
    try:
        return parse_wall(written) if isinstance(written, str) else None
    except Refusal:
        return None


def dicts(value: object) -> list[dict[str, Any]]:
    """Return the mappings in what should be a list of them."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _is_date(written: str) -> bool:
    try:
        return DATE.fullmatch(written) is not None and bool(date.fromisoformat(written))
    except ValueError:
        return False


def _refuse_far(day: date) -> None:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise Refusal(
            _l(
                "Clock changes are known for the years %(first)d to %(last)d; choose one of them.",
                first=FIRST_YEAR,
                last=LAST_YEAR,
            )
        )
