"""A time zone as calendar programs read it.

Outlook reads nothing of a VTIMEZONE but TZID, DTSTART, RRULE and the offsets, and other programs go wrong on
lists of dates. So a zone is stated by a yearly rule for each change of its clocks, or not at all.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytz
from icalendar import Timezone, TimezoneDaylight, TimezoneStandard, vRecur

from registration.domain.calendars.clock_changes import WEEK, Change, YearlyChange, yearly_changes

NEVER_DEFINED = frozenset({"UTC", "UCT", "GMT", "GMT0", "GMT+0", "GMT-0", "Greenwich", "Universal", "Zulu"})
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
LONG_AGO = datetime(1970, 1, 1)  # noqa: DTZ001  a wall time, as DTSTART in a VTIMEZONE is (RFC 5545 section 3.6.5)


def vtimezone(zone_name: str, first_year: int, last_year: int) -> Timezone | None:
    """Return the VTIMEZONE of an IANA zone, for times in the years from `first_year` to `last_year`.

    Returns None where times are to be written in UTC: no yearly rules state the zone in these years, or it is
    UTC or GMT, which are never redefined.
    """
    if zone_name.rpartition("/")[2] in NEVER_DEFINED:
        return None
    rules = yearly_changes(zone_name, first_year, last_year)
    if rules is None:
        return None
    timezone = Timezone()
    timezone.add("TZID", zone_name)
    for rule in rules:
        timezone.add_component(_observance(rule.first, _recurrence(rule)))
    if not rules:
        timezone.add_component(_observance(_standing_still(zone_name, first_year)))
    return timezone


def _observance(change: Change, recurrence: vRecur | None = None) -> TimezoneStandard | TimezoneDaylight:
    # By the offsets alone: pytz calls winter the exception in Dublin.
    observance = TimezoneDaylight() if change.offset_to > change.offset_from else TimezoneStandard()
    observance.add("DTSTART", change.wall)
    observance.add("TZOFFSETFROM", change.offset_from)
    observance.add("TZOFFSETTO", change.offset_to)
    observance.add("TZNAME", change.name)
    if recurrence:
        observance.add("RRULE", recurrence)
    return observance


def _recurrence(rule: YearlyChange) -> vRecur:
    """Return a rule in the words of RFC 5545 section 3.3.10: the second Sunday, a Saturday from 24 to 30."""
    wall = rule.first.wall
    day = f"{rule.ordinal or ''}{WEEKDAYS[wall.weekday()]}"
    recurrence = vRecur(FREQ="YEARLY", BYMONTH=wall.month, BYDAY=day)
    if rule.ordinal is None:
        recurrence["BYMONTHDAY"] = list(range(rule.day, rule.day + WEEK))
    return recurrence


def _standing_still(zone_name: str, year: int) -> Change:
    """Return, in place of a change, the one offset that a zone keeps throughout a year."""
    local = pytz.utc.localize(datetime(year, 7, 1)).astimezone(pytz.timezone(zone_name))  # noqa: DTZ001
    offset = local.utcoffset() or timedelta()
    return Change(LONG_AGO, offset, offset, local.tzname() or zone_name)
