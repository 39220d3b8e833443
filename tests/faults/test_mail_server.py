"""A mail server that is away, slow, breaks the line, refuses, or wants to be asked again."""

from __future__ import annotations

import math
import time
from datetime import datetime, timedelta

import pytest
import pytz
from sqlalchemy import select

from registration.extensions import db
from registration.mail.answers import DOT_TIMEOUT, SMTP_TIMEOUT
from registration.models import Delivery
from registration.models.delivery import DeliveryState
from tests.faults.conftest import Record
from tests.faults.figures import ONE_IN_SHORT, SHARE, times
from tests.faults.house import House, recipients, until
from tests.faults.sink import Behaviour, Point, Sink, running_sink
from tests.faults.workers import Workers
from tests.support.ports import free_port

pytestmark = ONE_IN_SHORT
SLOW = pytest.mark.skipif(not SHARE, reason="takes minutes: `make faults`")
CODES = (421, 450, 451, 452, 550, 552, 554)
MINUTE = timedelta(minutes=1)
LONGEST_FIRST_WAIT = 72
"""Seconds until a mail is tried again: a minute and a fifth."""
AWAY = 1
"""What `worker --once` ends with where the mail server takes no mail."""


CONNECTIONS = 10
IN_PARALLEL = {"MAIL_CONNECTIONS": str(CONNECTIONS), "MAIL_RATE": "60"}
"""So many mails may be slow at a time: at this rate each connection claims one alone, and one begins every second."""


def once(workers: Workers, seconds: float = 300) -> int:
    """Let a worker do all that is due, in so many seconds at the most; returns how it ended."""
    return workers.join(workers.start("--once"), seconds)


def blame(house: House) -> dict[str, tuple[DeliveryState, int | None, int]]:
    """By recipient: the state of the mail, the last reply, how often it was tried."""
    with house.app.app_context():
        rows = db.session.execute(select(Delivery).order_by(Delivery.id)).scalars().all()
        kept = [(one.state, one.reply_code, one.tries) for one in rows]
    return dict(zip([recipient for recipient, _id in house.owed()], kept, strict=True))


def test_a_mail_server_that_was_away_for_half_an_hour(house: House, workers: Workers, record: Record) -> None:
    runs = times(5, 1)
    for _run in range(runs):
        house.owe(20)
        begun = datetime.now(pytz.utc) + MINUTE
        port = free_port()
        workers.environ["MAIL_PORT"] = str(port)
        codes = [workers.look(begun + number * 15 * MINUTE) for number in range(3)]
        assert codes == [AWAY] * 3
        with running_sink(port) as back:
            back.book += house.sink.book
            house.sink = back
            assert workers.look(begun + 31 * MINUTE) == 0
    mails, lost, duplicates = house.result()
    record("F7 server away 30 min", runs=runs, mails=mails, lost=lost, duplicates=duplicates, worst=60)
    assert (lost, duplicates) == (0, 0)
    assert house.count() == 0


def test_a_server_that_answers_octet_by_octet(house: House, workers: Workers, sink: Sink, record: Record) -> None:
    """Some of the mails are slow; the others leave behind them, and each once."""
    pause = 1.0 if SHARE else 0.01
    if SHARE:
        workers.environ |= IN_PARALLEL
    number = times(50, 1)
    rounds = math.ceil(number / CONNECTIONS)
    house.owe(number + 5)
    slow = [recipient for recipient, _id in house.owed()][1 : number + 1]
    sink.rule = lambda _point, recipient: Behaviour(pause=pause) if recipient in slow else None
    begun = time.monotonic()
    assert once(workers, 120 * rounds) == 0
    worst = time.monotonic() - begun
    result = house.result()
    record("F8 1 octet a second" if SHARE else "F8 octet by octet", runs=number, mails=result.mails, lost=result.lost,
           duplicates=result.duplicates, worst=worst)  # fmt: skip
    assert (result.lost, result.duplicates) == (0, 0)
    assert worst < 70 * rounds


def test_a_line_that_breaks_after_the_dot_costs_one_copy(
    house: House, workers: Workers, sink: Sink, record: Record
) -> None:
    broken = times(50, 3)
    house.owe(2 * broken)
    left = [recipient for recipient, _id in house.owed()][::2]

    def rule(point: Point, recipient: str) -> Behaviour | None:
        if point is Point.DOT and recipient in left:
            left.remove(recipient)
            return Behaviour(reset=True)
        return None

    sink.rule = rule
    assert once(workers) == 0
    assert house.count() == broken
    house.due_now()
    assert once(workers) == 0
    result = house.result()
    record("F8 reset after the dot", mails=result.mails, lost=result.lost, duplicates=result.duplicates, worst=0)
    assert (house.count(), result.lost, result.duplicates) == (0, 0, broken)


@SLOW
@pytest.mark.parametrize(("seconds", "repeats"), [(SMTP_TIMEOUT + 5, 0), (DOT_TIMEOUT + 5, 1)])
def test_a_server_that_thinks_before_its_250(
    house: House, workers: Workers, record: Record, seconds: int, repeats: int
) -> None:
    """Who waits for it sends once; who gives up on it before sends one copy. The others leave meanwhile."""
    workers.environ |= IN_PARALLEL
    slow = times(50, 1)
    rounds = math.ceil(slow / CONNECTIONS)
    house.owe(slow + 3)
    people = [recipient for recipient, _id in house.owed()]
    left, others = people[:slow], {*people[slow:]}

    def rule(point: Point, recipient: str) -> Behaviour | None:
        if point is Point.DOT and recipient in left:
            left.remove(recipient)
            return Behaviour(wait=seconds)
        return None

    house.sink.rule = rule
    begun = time.monotonic()
    workers.start()
    until(lambda: others <= {*recipients(house.sink.book)}, "the other mails", (DOT_TIMEOUT + 10) * rounds)
    worst = time.monotonic() - begun
    house.drained((DOT_TIMEOUT + 10) * rounds + 2 * LONGEST_FIRST_WAIT + slow)
    result = house.result()
    record(f"F8 {seconds} s before a 250", runs=slow, mails=result.mails, lost=result.lost,
           duplicates=result.duplicates, worst=worst)  # fmt: skip
    assert (result.lost, result.duplicates) == (0, slow * repeats)


def test_mails_that_are_refused_hold_up_no_other(house: House, workers: Workers, sink: Sink, record: Record) -> None:
    """Every code at RCPT, DATA and the dot, each for a mail of its own, with a good one after each."""
    each = times(5, 1)
    cells = [(code, point) for code in CODES for point in (Point.RCPT, Point.DATA, Point.DOT)] * each
    house.owe(2 * len(cells))
    people = [recipient for recipient, _id in house.owed()]
    wanted = dict(zip(people[::2], cells, strict=True))

    def rule(point: Point, recipient: str) -> Behaviour | None:
        code, at = wanted.get(recipient, (0, None))
        return Behaviour(reply=f"{code} 4.0.0 No") if at is point else None

    sink.rule = rule
    assert once(workers) == 0
    held = DeliveryState.WAITING, DeliveryState.FAILED
    expected = {person: (held[code >= 500], code, 1) for person, (code, _point) in wanted.items()}
    assert blame(house) == {**expected, **dict.fromkeys(people[1::2], (DeliveryState.SENT, 250, 1))}
    sink.release()
    house.due_now()
    assert once(workers) == 0
    result = house.result()
    refused = sum(code >= 500 for code, _point in cells)
    record("F9 RCPT, DATA, dot: 21 cells", runs=each, mails=result.mails, lost=result.lost - refused,
           duplicates=result.duplicates, worst=0)  # fmt: skip
    assert (result.lost, result.duplicates) == (refused, 0)


@pytest.mark.parametrize("point", [Point.CONNECT, Point.EHLO, Point.MAIL])
def test_a_refusal_of_all_our_mail_is_blamed_on_no_mail(
    house: House, workers: Workers, sink: Sink, record: Record, point: Point
) -> None:
    """But for what the answer to MAIL says of one mail: later (4yz), or that it is too large (552)."""
    about_the_mail = (450, 451, 452, 421, 552) if point is Point.MAIL else ()
    codes = CODES if SHARE else (552, 554)
    each = times(5, 1)
    failed = 0
    for code in codes * each:
        house.owe(3)
        first = list(house.owed())[-3][0]
        left = [True]

        def rule(here: Point, _recipient: str, code: int = code, left: list[bool] = left) -> Behaviour | None:
            says_no = here is point and (point is not Point.MAIL or bool(left))
            if says_no and point is Point.MAIL:
                left.pop()
            return Behaviour(reply=f"{code} 5.0.0 No") if says_no else None

        sink.rule = rule
        assert once(workers) == (0 if code in about_the_mail else AWAY)
        tried = blame(house)[first]
        failed += tried[0] is DeliveryState.FAILED
        assert tried[1:] == ((code, 1) if code in about_the_mail else (None, 0))
        sink.release()
        house.due_now()
        assert once(workers) == 0
    result = house.result()
    record(f"F9 {point}: {len(codes)} cells", runs=each, mails=result.mails, lost=result.lost - failed,
           duplicates=result.duplicates, worst=0)  # fmt: skip
    assert failed == (each if point is Point.MAIL else 0)
    assert (house.count(), result.lost, result.duplicates) == (0, failed, 0)


def test_a_server_that_wants_to_be_asked_again(house: House, workers: Workers, sink: Sink, record: Record) -> None:
    """Greylisting: 451 for the first five minutes of each recipient."""
    house.owe(times(1000, 10))
    begun = datetime.now(pytz.utc) + MINUTE
    first: dict[str, int] = {}
    minute = 0
    step = 1 if SHARE else 3

    def rule(point: Point, recipient: str) -> Behaviour | None:
        is_early = point is Point.RCPT and minute - first.setdefault(recipient, minute) < 5
        return Behaviour(reply="451 4.7.1 Greylisted") if is_early else None

    sink.rule = rule
    while house.count():
        assert workers.look(begun + minute * MINUTE) == 0
        minute += step
        assert minute - step <= 10, "mails that still wait after ten minutes"
    result = house.result()
    record(
        "F10 greylisting 5 min",
        mails=result.mails,
        lost=result.lost,
        duplicates=result.duplicates,
        worst=60 * (minute - step),
    )
    assert (result.lost, result.duplicates) == (0, 0)
