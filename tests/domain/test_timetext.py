"""Times in words: the reader's zone first, each zone once, the date repeated where it differs."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import pytz

from registration.timetext import all_times, day_text, moment_text, span_text, zone_times

START = pytz.utc.localize(datetime.fromisoformat("2021-05-25 14:00"))
END = pytz.utc.localize(datetime.fromisoformat("2021-05-25 17:15"))
NEW_YORK = "America/New_York"


@pytest.mark.parametrize(
    ("zone", "line"),
    [
        (NEW_YORK, "Tuesday, 25 May 2021, 10:00 – 13:15 (New York, UTC−4)"),
        ("UTC", "Tuesday, 25 May 2021, 14:00 – 17:15 (UTC)"),
        ("Asia/Kathmandu", "Tuesday, 25 May 2021, 19:45 – 23:00 (Kathmandu, UTC+5:45)"),
        ("Asia/Manila", "Tuesday, 25 May 2021, 22:00 – Wednesday, 26 May 2021, 01:15 (Manila, UTC+8)"),
        ("Australia/Sydney", "Wednesday, 26 May 2021, 00:00 – 03:15 (Sydney, UTC+10)"),
    ],
)
def test_a_session_is_one_line_in_each_zone(zone: str, line: str) -> None:
    assert str(zone_times(START, END, zone, "en")) == line


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("en", "Tuesday, 25 May 2021, 10:00 – 13:15 (New York, UTC−4)"),
        ("fr", "mardi 25 mai 2021, 10:00 – 13:15 (New York, UTC−4)"),
        ("es", "martes, 25 de mayo de 2021, 10:00 – 13:15 (Nueva York, UTC−4)"),
        ("ru", "вторник, 25 мая 2021\u202fг., 10:00 – 13:15 (Нью-Йорк, UTC−4)"),
        ("zh", "2021年5月25日星期二, 10:00 – 13:15 (纽约, UTC−4)"),
        ("ar", "الثلاثاء، 25 مايو 2021, 10:00 – 13:15 (نيويورك, UTC−4)"),
    ],
)
def test_a_session_is_told_in_the_readers_language(language: str, line: str) -> None:
    assert str(zone_times(START, END, NEW_YORK, language)) == line


@pytest.mark.parametrize(
    ("reader", "zones"),
    [
        ("Asia/Kathmandu", ["Asia/Kathmandu", NEW_YORK, "UTC"]),
        (NEW_YORK, [NEW_YORK, "UTC"]),
        ("UTC", ["UTC", NEW_YORK]),
        (None, [NEW_YORK, "UTC"]),
    ],
)
def test_the_readers_zone_comes_first_and_each_zone_once(reader: str | None, zones: list[str]) -> None:
    assert [times.zone for times in all_times(START, END, NEW_YORK, "en", reader)] == zones


def test_the_instants_stay_with_the_words() -> None:
    times = zone_times(START, END, "Asia/Kathmandu", "en")
    assert (times.starts_at, times.ends_at, times.ends_on) == (START, END, "")


def test_a_moment_and_a_day_are_told_in_a_zone() -> None:
    assert moment_text(START, "Australia/Sydney", "en") == "Wednesday, 26 May 2021, 00:00 (Sydney, UTC+10)"
    assert day_text(START, "Australia/Sydney", "en") == "Wednesday, 26 May 2021"
    assert day_text(START, NEW_YORK, "en") == "Tuesday, 25 May 2021"


@pytest.mark.parametrize(
    ("seconds", "language", "words"),
    [
        (0, "en", "1 minute"),
        (150, "en", "2 minutes"),
        (12 * 60, "fr", "12 minutes"),
        (3 * 3600, "ru", "3 часа"),
        (50 * 3600, "en", "2 days"),
    ],
)
def test_a_length_of_time_is_told_in_its_largest_unit(seconds: int, language: str, words: str) -> None:
    assert span_text(timedelta(seconds=seconds), language) == words
