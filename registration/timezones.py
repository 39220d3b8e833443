"""Wall time and UTC, by pytz.

Organizers think in wall time ("10:00 in New York"), the database keeps UTC. pytz guesses in silence where a wall time
does not exist or exists twice (clock changes); here both are refused.
"""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from functools import lru_cache

import pytz
from babel import Locale
from babel.core import get_global
from flask_babel import lazy_gettext as _l

from registration.errors import Refusal

UTC = pytz.utc
MINUTE = timedelta(minutes=1)
COMMON_ZONES: frozenset[str] = frozenset(pytz.common_timezones)


def zone_named(name: str) -> tzinfo:
    """Return the IANA zone called `name`, spelt exactly so. Raises Refusal if there is none in common use."""
    if name not in COMMON_ZONES:
        raise Refusal(_l("There is no such time zone; choose one from the list, as Asia/Kathmandu."), "zone")
    return pytz.timezone(name)


def to_utc(wall: datetime, zone_name: str) -> datetime:
    """Return the instant (aware, UTC) of the naive wall time `wall` in a zone.

    Raises Refusal where that wall time does not exist or exists twice, saying which times are possible.
    """
    zone = pytz.timezone(zone_name)
    try:
        return zone.localize(wall, is_dst=None).astimezone(UTC)
    except pytz.NonExistentTimeError:
        reason = _l("%(time)s does not exist in %(zone)s, where the clocks go forward then")
    except pytz.AmbiguousTimeError:
        reason = _l("%(time)s exists twice in %(zone)s, where the clocks go back then")
    raise Refusal(
        _l(
            "%(reason)s; choose %(first)s or earlier, or %(last)s or later.",
            reason=reason % {"time": _written(wall), "zone": zone_name},
            first=_written(_nearest_possible(wall, zone, -MINUTE)),
            last=_written(_nearest_possible(wall, zone, MINUTE)),
        )
    )


def first_instant(wall: datetime, zone_name: str) -> datetime:
    """Return the first instant (aware, UTC) at which clocks in a zone show the naive `wall`; where they skip it, the
    first after the gap. For what must go on, where `to_utc` would refuse."""
    zone = pytz.timezone(zone_name)
    try:
        return zone.localize(wall, is_dst=None).astimezone(UTC)
    except pytz.AmbiguousTimeError:
        return min(zone.localize(wall, is_dst=is_dst).astimezone(UTC) for is_dst in (True, False))
    except pytz.NonExistentTimeError:
        return zone.localize(_nearest_possible(wall, zone, MINUTE), is_dst=None).astimezone(UTC)


def to_wall(instant: datetime, zone_name: str) -> datetime:
    """Return what clocks in a zone show at the aware `instant`: an aware datetime in that zone."""
    return instant.astimezone(pytz.timezone(zone_name))


def offset_name(instant: datetime, zone_name: str) -> str:
    """Return the zone's distance from UTC at the aware `instant`, as "UTC", "UTC−4" or "UTC+5:45"."""
    offset = to_wall(instant, zone_name).utcoffset() or timedelta()
    minutes = round(abs(offset).total_seconds() / 60)
    if not minutes:
        return "UTC"
    sign = "−" if offset < timedelta() else "+"
    hours, rest = divmod(minutes, 60)
    return f"UTC{sign}{hours}:{rest:02}" if rest else f"UTC{sign}{hours}"


@lru_cache(maxsize=4096)
def city(zone_name: str, language: str = "en") -> str:
    """Return the city that a zone is named after, in a language where CLDR has it: "New York", "Нью-Йорк"."""
    names = Locale.parse(language, sep="-").time_zones
    # CLDR knows some zones by the name they had first: Asia/Katmandu.
    known_as = [zone_name, *(old for old, new in get_global("zone_aliases").items() if new == zone_name)]
    found = (names[name].get("city") for name in known_as if name in names)
    return next((city for city in found if city), zone_name.rsplit("/", 1)[-1].replace("_", " "))


def _written(wall: datetime) -> str:
    return f"{wall:%Y-%m-%d %H:%M}"


def _nearest_possible(wall: datetime, zone: pytz.BaseTzInfo, step: timedelta) -> datetime:
    while not _exists_once(wall, zone):
        wall += step
    return wall


def _exists_once(wall: datetime, zone: pytz.BaseTzInfo) -> bool:
    try:
        zone.localize(wall, is_dst=None)
    except pytz.InvalidTimeError:
        return False
    return True
