from __future__ import annotations

import re
from bisect import bisect_right
from datetime import datetime, timedelta
from functools import lru_cache

import pytest
import pytz
from dateutil.rrule import rrulestr

from registration.domain.calendars.vtimezone import vtimezone

BRIEF = timedelta(seconds=1)

NEW_YORK = """\
BEGIN:VTIMEZONE
TZID:America/New_York
BEGIN:DAYLIGHT
DTSTART:20070311T020000
RRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=3
TZNAME:EDT
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:20071104T020000
RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11
TZNAME:EST
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
END:STANDARD
END:VTIMEZONE
"""

KABUL = """\
BEGIN:VTIMEZONE
TZID:Asia/Kabul
BEGIN:STANDARD
DTSTART:19700101T000000
TZNAME:+0430
TZOFFSETFROM:+0430
TZOFFSETTO:+0430
END:STANDARD
END:VTIMEZONE
"""


def written(zone_name: str, first_year: int, last_year: int) -> str:
    timezone = vtimezone(zone_name, first_year, last_year)
    return timezone.to_ical().decode().replace("\r\n", "\n") if timezone else ""


def observances(text: str) -> list[dict[str, str]]:
    """Return the kind and the properties of each observance, from the written text alone."""
    blocks = re.findall(r"BEGIN:(STANDARD|DAYLIGHT)\n(.*?)END:", text, re.DOTALL)
    return [dict(line.split(":", 1) for line in [f"kind:{kind}", *block.splitlines()]) for kind, block in blocks]


def days(first: int, last: int) -> str:
    return "BYMONTHDAY=" + ",".join(str(day) for day in range(first, last + 1))


def offset(text: str) -> timedelta:
    amount = timedelta(hours=int(text[1:3]), minutes=int(text[3:5]))
    return -amount if text[0] == "-" else amount


@lru_cache
def onsets(text: str, first_year: int, last_year: int) -> list[tuple[datetime, timedelta, timedelta]]:
    """Return each onset as a calendar program finds it: when it is in UTC, the offsets before and after."""
    found = []
    for one in observances(text):
        start = datetime.fromisoformat(one["DTSTART"])
        before, after = offset(one["TZOFFSETFROM"]), offset(one["TZOFFSETTO"])
        for wall in rrulestr(one.get("RRULE", "FREQ=YEARLY;COUNT=1"), dtstart=start):
            if wall.year > last_year:
                break
            if wall.year >= first_year or "RRULE" not in one:
                found.append((wall - before, before, after))
    return sorted(found)


def test_new_york_is_two_yearly_rules_from_2007_in_the_wall_time_before_each_change():
    assert written("America/New_York", 2021, 2021) == NEW_YORK
    assert written("America/New_York", 2027, 2036) == NEW_YORK


def test_a_zone_whose_clocks_stand_still_has_one_observance():
    assert written("Asia/Kabul", 2021, 2021) == KABUL


@pytest.mark.parametrize(
    ("zone_name", "year", "daylight", "standard"),
    [
        # The last Sundays; pytz calls winter the exception there, calendars must not.
        ("Europe/Dublin", 2021, ("-1SU;BYMONTH=3", "+0100"), ("-1SU;BYMONTH=10", "+0000")),
        ("Europe/Zurich", 2021, ("-1SU;BYMONTH=3", "+0200"), ("-1SU;BYMONTH=10", "+0100")),
        # The evening before the last Sunday, which is not always the last Saturday.
        ("America/Nuuk", 2026, (f"SA;{days(24, 30)};BYMONTH=3", "-0100"), ("-1SU;BYMONTH=10", "-0200")),
        # The Friday before the last Sunday.
        ("Asia/Jerusalem", 2021, (f"FR;{days(23, 29)};BYMONTH=3", "+0300"), ("-1SU;BYMONTH=10", "+0200")),
        # The Sunday on or after the second; in the south, summer begins in September.
        (
            "America/Santiago",
            2027,
            (f"SU;{days(2, 8)};BYMONTH=9", "-0300"),
            (f"SU;{days(2, 8)};BYMONTH=4", "-0400"),
        ),
        # Half an hour of summer time, three quarters of an hour of offset, two hours of summer time.
        ("Australia/Lord_Howe", 2021, ("1SU;BYMONTH=10", "+1100"), ("1SU;BYMONTH=4", "+1030")),
        ("Pacific/Chatham", 2021, ("-1SU;BYMONTH=9", "+1345"), ("1SU;BYMONTH=4", "+1245")),
        ("Antarctica/Troll", 2021, ("-1SU;BYMONTH=3", "+0200"), ("-1SU;BYMONTH=10", "+0000")),
    ],
)
def test_each_kind_of_rule_is_found(zone_name, year, daylight, standard):
    found = {
        one["kind"]: (one["RRULE"].removeprefix("FREQ=YEARLY;BYDAY="), one["TZOFFSETTO"])
        for one in observances(written(zone_name, year, year))
    }
    assert found == {"DAYLIGHT": daylight, "STANDARD": standard}


@pytest.mark.parametrize("zone_name", ["UTC", "GMT", "Etc/UTC", "Etc/GMT", "Etc/Zulu"])
def test_utc_and_gmt_are_never_redefined(zone_name):
    assert vtimezone(zone_name, 2021, 2021) is None


def test_a_zone_that_no_yearly_rule_states_is_not_stated():
    assert vtimezone("Africa/Casablanca", 2021, 2021) is None
    # Tehran's summer began by the Persian calendar, and ended for good in 2022.
    assert vtimezone("Asia/Tehran", 2021, 2021) is None
    assert vtimezone("Asia/Tehran", 2024, 2024) is not None
    # Egypt's clocks go back on the day after October's last Thursday, which in 2024 was in November.
    assert vtimezone("Africa/Cairo", 2024, 2024) is None
    assert vtimezone("Africa/Cairo", 2026, 2026) is not None


def test_a_zone_is_not_stated_for_years_that_its_tables_do_not_reach():
    assert vtimezone("America/New_York", 2036, 2036) is not None
    assert vtimezone("America/New_York", 2037, 2037) is None
    assert vtimezone("America/New_York", 2050, 2050) is None


@pytest.mark.parametrize(("first_year", "last_year"), [(2021, 2021), (2026, 2026), (2028, 2036)])
def test_the_written_rules_and_pytz_agree_on_every_common_zone(first_year, last_year):
    """They agree a second before each change, at it, and every ten days, with a year more on both sides."""
    first_day = datetime.fromisoformat(f"{first_year - 1}-01-01")
    samples = [first_day + timedelta(days=10 * step) for step in range(36 * (last_year - first_year + 3))]
    stated = 0
    for zone_name in pytz.common_timezones:
        text = written(zone_name, first_year, last_year).replace(zone_name, "X")
        if not text:
            continue
        stated += 1
        in_pytz = pytz.timezone(zone_name).fromutc
        changes = onsets(text, first_year - 1, last_year + 1)
        for instant, before, after in changes:
            if instant >= first_day:
                assert in_pytz(instant - BRIEF).utcoffset() == before, (zone_name, instant)
                assert in_pytz(instant).utcoffset() == after, (zone_name, instant)
        starts = [instant for instant, _, _ in changes]
        for instant in samples:
            at = bisect_right(starts, instant)
            expected = changes[at - 1][2] if at else changes[0][1]
            assert in_pytz(instant).utcoffset() == expected, (zone_name, instant)
    assert stated > 0.9 * len(pytz.common_timezones)
