"""The pace of sending: a token bucket that all workers share."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from registration.domain.pace import TooSoon, give_back, take
from registration.extensions import writing

pytestmark = pytest.mark.usefixtures("context")
SECOND = timedelta(seconds=1)


def taken(wanted: int, per_minute: int, now: datetime, unused: int = 0) -> int:
    with writing():
        count = take(wanted, per_minute=per_minute, now=now)
        give_back(unused, per_minute=per_minute)
    return count


def wait(wanted: int, per_minute: int, now: datetime) -> float:
    with pytest.raises(TooSoon) as refused:
        taken(wanted, per_minute, now)
    return round(refused.value.seconds, 6)


def test_without_a_rate_any_number_may_leave(now: datetime) -> None:
    assert [taken(50, 0, now), taken(50, 0, now)] == [50, 50]


def test_a_second_of_the_rate_may_leave_in_each_second(now: datetime) -> None:
    assert taken(50, 600, now) == 10
    assert wait(50, 600, now) == 1
    assert wait(50, 600, now + SECOND / 4) == 0.75
    assert taken(50, 600, now + SECOND) == 10


def test_a_slow_rate_lets_one_mail_leave_at_a_time(now: datetime) -> None:
    assert taken(50, 6, now) == 1
    assert wait(50, 6, now + 4 * SECOND) == 6
    assert taken(50, 6, now + 10 * SECOND) == 1


def test_leave_does_not_gather_while_nothing_is_sent(now: datetime) -> None:
    assert taken(50, 600, now) == 10
    assert taken(50, 600, now + timedelta(hours=1)) == 10
    assert wait(50, 600, now + timedelta(hours=1)) == 1


def test_what_was_not_used_is_there_for_the_next(now: datetime) -> None:
    assert taken(50, 600, now, unused=8) == 10
    assert taken(8, 600, now) == 8
    assert wait(1, 600, now) == 0.1


def test_a_clock_a_little_behind_gives_nothing_before_its_time(now: datetime) -> None:
    assert taken(50, 600, now) == 10
    assert wait(50, 600, now - 5 * SECOND) == 1


def test_after_a_clock_that_was_far_ahead_mail_leaves_at_once(now: datetime) -> None:
    assert taken(50, 600, now + timedelta(days=1)) == 10
    assert taken(50, 600, now) == 10
    assert wait(50, 600, now) == 1
    assert taken(50, 600, now + SECOND) == 10
