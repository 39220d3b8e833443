"""A short list of time zones: one city for each set of clock rules, for pages where every byte counts."""

from __future__ import annotations

from functools import cache
from itertools import groupby

from babel.core import get_global
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from registration.timezones import COMMON_ZONES, city

REGIONS: dict[str, LazyString] = {
    "Africa": _l("Africa"),
    "America": _l("Americas"),
    "Asia": _l("Asia"),
    "Atlantic": _l("Atlantic"),
    "Australia": _l("Australia"),
    "Europe": _l("Europe"),
    "Indian": _l("Indian Ocean"),
    "Pacific": _l("Pacific"),
}


@cache
def main_zones(language: str) -> list[tuple[LazyString | str, list[tuple[str, str]]]]:
    """Return (region, [(IANA name, city)]): the cities that CLDR names for the zones of Windows."""
    newer = get_global("zone_aliases")
    named = {newer.get(name, name) for name in get_global("windows_zone_mapping").values()}
    zones = sorted(name for name in named & COMMON_ZONES if "/" in name)
    return [
        (REGIONS.get(region, region), [(name, city(name, language)) for name in group])
        for region, group in groupby(zones, key=lambda name: name.partition("/")[0])
    ]
