"""A short list of time zones, for pages where every byte counts."""

from __future__ import annotations

from functools import cache
from itertools import groupby

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from registration.timezones import city

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


_MAIN_ZONES = """
    Africa/Abidjan Africa/Accra Africa/Addis_Ababa Africa/Algiers Africa/Cairo Africa/Casablanca Africa/Dakar
    Africa/Johannesburg Africa/Khartoum Africa/Kinshasa Africa/Lagos Africa/Nairobi Africa/Tunis
    America/Argentina/Buenos_Aires America/Bogota America/Caracas America/Chicago America/Denver America/Guatemala
    America/Halifax America/Havana America/La_Paz America/Lima America/Los_Angeles America/Mexico_City America/New_York
    America/Panama America/Port-au-Prince America/Santiago America/Santo_Domingo America/Sao_Paulo America/St_Johns
    America/Toronto America/Vancouver
    Asia/Almaty Asia/Amman Asia/Baghdad Asia/Bangkok Asia/Beirut Asia/Colombo Asia/Dhaka Asia/Dubai Asia/Ho_Chi_Minh
    Asia/Jakarta Asia/Jerusalem Asia/Kabul Asia/Karachi Asia/Kathmandu Asia/Kolkata Asia/Kuala_Lumpur Asia/Manila
    Asia/Riyadh Asia/Seoul Asia/Shanghai Asia/Singapore Asia/Tashkent Asia/Tehran Asia/Tokyo Asia/Yangon
    Atlantic/Azores
    Australia/Adelaide Australia/Brisbane Australia/Perth Australia/Sydney
    Europe/Amsterdam Europe/Athens Europe/Berlin Europe/Brussels Europe/Istanbul Europe/Kyiv Europe/Lisbon
    Europe/London Europe/Madrid Europe/Moscow Europe/Paris Europe/Rome Europe/Stockholm Europe/Vienna Europe/Warsaw
    Europe/Zurich
    Indian/Maldives Indian/Mauritius
    Pacific/Auckland Pacific/Fiji Pacific/Honolulu Pacific/Port_Moresby Pacific/Tongatapu
"""
MAIN_ZONES: tuple[str, ...] = tuple(_MAIN_ZONES.split())
"""The offices of the United Nations, and cities of many people in every set of clock rules that many live by."""


@cache
def main_zones(language: str) -> list[tuple[LazyString, list[tuple[str, str]]]]:
    """Return (region, [(IANA name, city in `language`)]) of MAIN_ZONES, in their order."""
    return [
        (REGIONS[region], [(name, city(name, language)) for name in group])
        for region, group in groupby(MAIN_ZONES, key=lambda name: name.partition("/")[0])
    ]
