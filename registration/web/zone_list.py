"""The time zones people choose from: by region, by city."""

from __future__ import annotations

from functools import cache
from itertools import groupby

import pytz

from registration.timezones import city


@cache
def zones_by_region(language: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return (region, [(IANA name, city in `language`)]) of all zones in common use; UTC has no region of its own."""
    zones = [(name.partition("/")[0] if "/" in name else "UTC", name) for name in pytz.common_timezones]
    own = [(region, name) for region, name in zones if region not in ("US", "Canada", "GMT")]
    return [
        (region, [(name, city(name, language)) for _region, name in group])
        for region, group in groupby(sorted(own), key=lambda pair: pair[0])
    ]
