"""Wall time and UTC: what pytz would guess in silence is refused, and each instant comes back."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import pytz
from hypothesis import given
from hypothesis import strategies as st

from registration.errors import Refusal
from registration.timezones import COMMON_ZONES, city, first_instant, offset_name, to_utc, to_wall, zone_named

NEW_YORK = "America/New_York"
YEARS = {"min_value": datetime.fromisoformat("2000-01-01"), "max_value": datetime.fromisoformat("2037-12-31")}
zones = st.sampled_from(sorted(COMMON_ZONES))
WALLS = {
    "UTC": ("14:00", "13:00"),
    "Europe/Zurich": ("16:00", "15:00"),
    "Asia/Tehran": ("18:30", "17:30"),
    "Asia/Kabul": ("18:30", "17:30"),
    "Asia/Kathmandu": ("19:45", "18:45"),
    "Asia/Manila": ("22:00", "21:00"),
    "Australia/Adelaide": ("23:30", "22:30"),
    "Australia/Sydney": ("26 00:00", "23:00"),
    "Pacific/Auckland": ("26 02:00", "27 01:00"),
    "Pacific/Chatham": ("26 02:45", "27 01:45"),
    "Pacific/Marquesas": ("04:30", "03:30"),
}


def wall(written: str) -> datetime:
    return datetime.fromisoformat(written)


def refusal(written: str, zone: str) -> str:
    with pytest.raises(Refusal) as caught:
        to_utc(wall(written), zone)
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "zone", "utc"),
    [
        ("2021-05-25 10:00", NEW_YORK, "2021-05-25 14:00"),
        ("2021-05-26 09:00", NEW_YORK, "2021-05-26 13:00"),
        ("2021-12-25 10:00", NEW_YORK, "2021-12-25 15:00"),
        ("2021-05-25 10:00", "Asia/Kathmandu", "2021-05-25 04:15"),
        ("2021-05-25 10:00", "UTC", "2021-05-25 10:00"),
    ],
)
def test_a_wall_time_is_one_instant(written: str, zone: str, utc: str) -> None:
    assert to_utc(wall(written), zone) == pytz.utc.localize(wall(utc))


def test_an_hour_that_does_not_exist_is_refused_with_those_that_do() -> None:
    assert refusal("2026-03-08 02:30", NEW_YORK) == (
        "2026-03-08 02:30 does not exist in America/New_York, where the clocks go forward then; "
        "choose 2026-03-08 01:59 or earlier, or 2026-03-08 03:00 or later."
    )


def test_an_hour_that_comes_twice_is_refused_with_those_that_come_once() -> None:
    assert refusal("2026-11-01 01:30", NEW_YORK) == (
        "2026-11-01 01:30 exists twice in America/New_York, where the clocks go back then; "
        "choose 2026-11-01 00:59 or earlier, or 2026-11-01 02:00 or later."
    )


@pytest.mark.parametrize("written", ["2026-03-08 01:59", "2026-03-08 03:00", "2026-11-01 00:59", "2026-11-01 02:00"])
def test_the_minutes_around_a_change_are_taken(written: str) -> None:
    assert to_wall(to_utc(wall(written), NEW_YORK), NEW_YORK).replace(tzinfo=None) == wall(written)


@given(st.datetimes(**YEARS), zones)
def test_a_wall_time_is_refused_or_comes_back(moment: datetime, zone: str) -> None:
    moment = moment.replace(second=0, microsecond=0)
    try:
        instant = to_utc(moment, zone)
    except Refusal:
        here = pytz.timezone(zone)
        with pytest.raises(pytz.InvalidTimeError):
            here.localize(moment, is_dst=None)
    else:
        assert instant.utcoffset() == timedelta()
        assert to_wall(instant, zone).replace(tzinfo=None) == moment


@given(st.datetimes(**YEARS), zones)
def test_every_instant_has_a_wall_time_in_every_zone(moment: datetime, zone: str) -> None:
    instant = pytz.utc.localize(moment)
    assert to_wall(instant, zone) == instant


@pytest.mark.parametrize(("zone", "walls"), WALLS.items())
def test_the_sessions_of_2021_fall_at_the_hours_of_each_place(zone: str, walls: tuple[str, str]) -> None:
    starts = [pytz.utc.localize(wall(one)) for one in ("2021-05-25 14:00", "2021-05-26 13:00")]
    shown = [(f"{to_wall(start, zone):%d %H:%M}", start.day) for start in starts]
    assert tuple(text.removeprefix(f"{day} ") for text, day in shown) == walls


@pytest.mark.parametrize(
    ("zone", "name"),
    [
        ("UTC", "UTC"),
        ("Europe/London", "UTC+1"),
        (NEW_YORK, "UTC−4"),
        ("Asia/Kathmandu", "UTC+5:45"),
        ("Pacific/Chatham", "UTC+12:45"),
        ("Pacific/Marquesas", "UTC−9:30"),
    ],
)
def test_an_offset_is_named_as_people_write_it(zone: str, name: str) -> None:
    assert offset_name(pytz.utc.localize(wall("2021-05-25 14:00")), zone) == name


@pytest.mark.parametrize(
    ("zone", "name"),
    [(NEW_YORK, "New York"), ("America/Argentina/Buenos_Aires", "Buenos Aires"), ("UTC", "UTC")],
)
def test_a_zone_is_called_by_its_city(zone: str, name: str) -> None:
    assert city(zone) == name


@pytest.mark.parametrize(
    "name", ["", "Mars/Phobos", "../../etc/localtime", "america/new_york", "EST5EDT", "Asia/Kathmandu ", "UTC\x00"]
)
def test_a_zone_that_is_not_in_common_use_is_refused(name: str) -> None:
    with pytest.raises(Refusal, match="There is no such time zone; choose one from the list, as Asia/Kathmandu"):
        zone_named(name)


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2026-05-25 18:00", "2026-05-25 22:00"),
        ("2026-03-08 01:59", "2026-03-08 06:59"),
        ("2026-03-08 02:00", "2026-03-08 07:00"),
        ("2026-03-08 02:30", "2026-03-08 07:00"),
        ("2026-03-08 03:00", "2026-03-08 07:00"),
        ("2026-11-01 01:30", "2026-11-01 05:30"),
        ("2026-11-01 02:00", "2026-11-01 07:00"),
    ],
)
def test_where_clocks_change_the_first_instant_is_taken(written: str, utc: str) -> None:
    assert first_instant(wall(written), NEW_YORK) == pytz.utc.localize(wall(utc))


@given(st.datetimes(**YEARS), zones)
def test_before_the_first_instant_clocks_show_less_and_from_it_on_not(moment: datetime, zone: str) -> None:
    written = moment.replace(second=0, microsecond=0)
    found = first_instant(written, zone)
    shown = [to_wall(found - timedelta(minutes=early), zone).replace(tzinfo=None) for early in (0, 1)]
    assert shown[1] < written <= shown[0]
