"""When reminders are due over clock changes, and which of them ends the use of which."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import pytest
import pytz
from hypothesis import given
from hypothesis import strategies as st

from registration.domain.reminder_times import When, due_at, spans
from registration.models import Event, EventSession, ReminderRule
from registration.timezones import COMMON_ZONES, first_instant, to_wall

NEW_YORK = "America/New_York"
HOUR = timedelta(hours=1)
START = datetime(2026, 5, 26, 14, 0, tzinfo=pytz.utc)
END = START + HOUR


def session(starts_at: datetime, zone: str = NEW_YORK) -> EventSession:
    return EventSession(slug="one", starts_at=starts_at, ends_at=starts_at + HOUR, event=Event(zone=zone))


def at(written: str) -> datetime:
    return pytz.utc.localize(datetime.fromisoformat(written))


def rule(minutes: int | None = None, **values: Any) -> ReminderRule:
    lists: dict[str, Any] = {"categories": [], "sessions": [], "languages": [], "paused": False}
    return ReminderRule(minutes_before=minutes, **{**lists, **values})


def uses(*rules: ReminderRule) -> list[float | None]:
    """Until how many minutes before the start each rule's reminder is of use; None: until the session is over."""
    found = spans(rules, session(START))
    return [None if one.useful_until == END else (START - one.useful_until).total_seconds() / 60 for one in found]


@pytest.mark.parametrize(
    ("days", "clock", "starts", "due"),
    [
        pytest.param(1, "18:00", "2026-05-26 14:00", "2026-05-25 22:00", id="the evening before"),
        pytest.param(0, "09:59", "2026-05-26 14:00", "2026-05-26 13:59", id="a minute before"),
        pytest.param(0, "10:00", "2026-05-26 14:00", None, id="at the start"),
        pytest.param(0, "18:00", "2026-05-26 14:00", None, id="after the start"),
        pytest.param(0, "18:00", "2026-05-27 01:00", "2026-05-26 22:00", id="the date is that of the event's zone"),
        pytest.param(7, "09:00", "2026-03-10 14:00", "2026-03-03 14:00", id="before the clocks go forward"),
        pytest.param(1, "02:30", "2026-03-09 14:00", "2026-03-08 07:00", id="in the hour that is skipped"),
        pytest.param(0, "01:30", "2026-11-01 15:00", "2026-11-01 05:30", id="in the hour that comes twice"),
        pytest.param(0, "01:30", "2026-11-01 06:00", "2026-11-01 05:30", id="between the two"),
    ],
)
def test_a_clock_time_is_due_as_clocks_show_it_there(days: int, clock: str, starts: str, due: str | None) -> None:
    when = When(days_before=days, clock_time=time.fromisoformat(clock))
    assert due_at(when, session(at(starts))) == (at(due) if due else None)


@given(
    st.datetimes(min_value=datetime.fromisoformat("2020-01-01"), max_value=datetime.fromisoformat("2037-01-01")),
    st.sampled_from(sorted(COMMON_ZONES)),
    st.integers(0, 30),
    st.times().map(lambda one: one.replace(second=0, microsecond=0)),
)
def test_a_clock_time_is_due_on_its_day_before_the_start_or_never(
    starts: datetime, zone: str, days: int, clock: time
) -> None:
    starts_at = pytz.utc.localize(starts)
    due = due_at(When(days_before=days, clock_time=clock), session(starts_at, zone))
    day = to_wall(starts_at, zone).date() - timedelta(days=days)
    wanted = first_instant(datetime.combine(day, clock), zone)
    assert due == (wanted if wanted < starts_at else None)


@pytest.mark.parametrize(
    ("other", "until"),
    [
        pytest.param({}, 15, id="for everybody"),
        pytest.param({"categories": ["youth", "experts"]}, 15, id="for more categories"),
        pytest.param({"categories": ["youth"], "languages": ["fr", "en"]}, 15, id="for more languages"),
        pytest.param({"categories": ["experts"]}, None, id="for other categories"),
        pytest.param({"languages": ["ar"]}, None, id="for other languages"),
        pytest.param({"languages": ["en", "ar"]}, None, id="for some of them alone"),
        pytest.param({"sessions": ["another"]}, None, id="of another session"),
        pytest.param({"paused": True}, None, id="paused"),
    ],
)
def test_a_reminder_is_of_use_until_another_is_due_that_reaches_all_its_people(
    other: dict[str, Any], until: int | None
) -> None:
    mine = rule(1440, categories=["youth"], languages=["fr", "en"])
    assert uses(mine, rule(15, **other))[0] == until


def test_a_rule_for_all_is_not_ended_by_one_for_some() -> None:
    assert uses(rule(1440), rule(60, categories=["youth"]), rule(15)) == [15, 15, None]


def test_a_clock_time_ends_the_use_of_minutes_before() -> None:
    evening = rule(days_before=1, clock_time=time(18))
    assert uses(rule(2880), evening, rule(15)) == [16 * 60, 15, None]


def test_a_rule_that_is_never_due_is_left_out() -> None:
    noon = rule(days_before=0, clock_time=time(12))
    assert uses(rule(60), noon) == [None]
