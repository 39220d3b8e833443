"""Edits of reminder rules: they hold at once, and nobody is reminded twice or left out by them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time, timedelta
from threading import Thread

import pytest
from flask import Flask
from sqlalchemy import select, text

from registration.domain import outbox, reminder_edits, reminders
from registration.domain.outbox import Outcome
from registration.domain.programme import event_named, session_called
from registration.domain.reminder_edits import rule_called
from registration.domain.reminder_states import Round, RoundState, reminders_of
from registration.domain.reminder_times import When
from registration.domain.reminder_values import RuleValues, faults, mark_of, values_of
from registration.errors import NotFound, Refusal
from registration.extensions import db, writing
from registration.models import Delivery, Event, EventSession, ReminderRule
from registration.models.delivery import DeliveryKind, DeliveryState
from registration.models.event import EventState
from registration.models.programme import SessionState
from tests.support.dialogue import (
    DAY,
    FIRST_START,
    LAST_END,
    MINUTE,
    SLUG,
    cancel_session,
    change,
    load_dialogue,
    move_session,
    take_part_by_rule,
)

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
pytestmark = pytest.mark.usefixtures("dialogue", "context")
DUE = FIRST_START - DAY
HOUR = timedelta(hours=1)
OWNER = "worker"
IN_TWO_HOURS = RuleValues(When(minutes_before=120))


@pytest.fixture
def dialogue(app: Flask) -> None:
    load_dialogue(app)


@pytest.fixture
def people(now: datetime) -> list[int]:
    """Two who take part in the first session."""
    return [take_part_by_rule(f"{name}@example.org", now=now, sessions=["human-rights"]) for name in ("amina", "bo")]


def rule(slug: str = "day-before") -> ReminderRule:
    return rule_called(event_named(SLUG), slug)


def first_session() -> EventSession:
    return session_called(event_named(SLUG), "human-rights")


def sweep(now: datetime) -> None:
    with writing():
        reminders.make_reminders(now=now)


def reminded() -> list[tuple[int, str, DeliveryState]]:
    """(registration, rule, state) of all reminders."""
    query = select(Delivery).where(Delivery.kind == DeliveryKind.REMINDER).order_by(Delivery.id)
    found = db.session.execute(query.execution_options(populate_existing=True)).scalars()
    return [(one.registration_id, one.rule.slug, one.state) for one in found if one.rule]


def claim(now: datetime) -> list[int]:
    """Claim the first mail that is due."""
    with writing():
        mails = outbox.claim(owner=OWNER, limit=1, now=now)
    return mails[0]


def sent(mail: list[int], now: datetime) -> None:
    with writing():
        outbox.settle(mail, Outcome(sent=True, code=250), owner=OWNER, now=now)


def edit(wanted: RuleValues, now: datetime, slug: str = "day-before") -> bool:
    with writing():
        return reminder_edits.change(rule(slug), wanted, seen=mark_of(rule(slug)), now=now)


def round_of(now: datetime, slug: str = "day-before") -> Round:
    """How a rule's reminder of the first session stands."""
    rounds = reminders_of(event_named(SLUG), now=now).of(rule(slug))
    return next(one for one in rounds if one.session.slug == "human-rights" and not one.is_old)


def refusal(wanted: RuleValues, now: datetime) -> list[tuple[str | None, str]]:
    return [(one.field, str(one)) for one in faults(event_named(SLUG), wanted, now=now)]


def test_a_pause_takes_a_mail_out_of_a_workers_hand_and_resuming_sends_it_to_who_has_not_had_it(
    people: list[int],
) -> None:
    amina, bo = people
    sweep(DUE)
    sent(claim(DUE), DUE)
    mail = claim(DUE)
    before = outbox.marks(mail, owner=OWNER, now=DUE)
    with writing():
        reminder_edits.pause(rule(), now=DUE + MINUTE)
    after = outbox.marks(mail, owner=OWNER, now=DUE + MINUTE)
    assert (list(before), after) == (mail, {})
    taken_back = [(amina, "day-before", DeliveryState.SENT), (bo, "day-before", DeliveryState.DROPPED)]
    assert reminded() == taken_back

    sweep(DUE + 2 * MINUTE)
    assert reminded() == taken_back
    with writing():
        reminder_edits.resume(rule(), now=DUE + HOUR)
    sweep(DUE + HOUR)
    assert reminded() == [(amina, "day-before", DeliveryState.SENT), (bo, "day-before", DeliveryState.WAITING)]
    assert claim(DUE + HOUR) == mail


def pause_and_resume(paused: datetime, resumed: datetime) -> None:
    with writing():
        reminder_edits.pause(rule(), now=paused)
    with writing():
        reminder_edits.resume(rule(), now=resumed)


def test_a_mail_that_left_while_its_rule_was_paused_is_not_sent_again(people: list[int]) -> None:
    amina, bo = people
    sweep(DUE)
    mail = claim(DUE)
    with writing():
        reminder_edits.pause(rule(), now=DUE)
    sent(mail, DUE + MINUTE)
    with writing():
        reminder_edits.resume(rule(), now=DUE + MINUTE)
    sweep(DUE + MINUTE)
    assert reminded() == [(amina, "day-before", DeliveryState.SENT), (bo, "day-before", DeliveryState.WAITING)]


def test_a_mail_that_left_while_its_rule_was_paused_and_resumed_is_not_sent_again(people: list[int]) -> None:
    amina, bo = people
    sweep(DUE)
    mail = claim(DUE)
    pause_and_resume(DUE, DUE)
    sweep(DUE)
    with writing():
        assert mail not in outbox.claim(owner="another", limit=50, now=DUE)
    sent(mail, DUE + MINUTE)
    assert (amina, "day-before", DeliveryState.SENT) in reminded()
    assert (bo, "day-before", DeliveryState.WAITING) in reminded()


@pytest.mark.parametrize("first", ["release", "sweep"])
def test_a_mail_that_a_pause_kept_from_leaving_is_owed_once_again(people: list[int], first: str) -> None:
    sweep(DUE)
    mail = claim(DUE)
    pause_and_resume(DUE, DUE + MINUTE)
    for step in (first, *({"release", "sweep"} - {first})):
        if step == "sweep":
            sweep(DUE + MINUTE)
        else:
            with writing():
                outbox.release(owner=OWNER)
    assert [(person, state) for person, _slug, state in reminded()] == [
        (person, DeliveryState.WAITING) for person in people
    ]
    with writing():
        again = outbox.claim(owner="another", limit=50, now=DUE + MINUTE)
    assert (len(again), mail in again) == (2, True)


@SQLITE
def test_a_rule_for_more_people_reminds_those_who_are_new(people: list[int], now: datetime) -> None:
    chi = take_part_by_rule("chi@example.org", "women-led", now=now, sessions=["human-rights"])
    edit(replace(values_of(rule()), categories=("youth",)), now)
    sweep(DUE)
    first = reminded()
    for _person in first:
        sent(claim(DUE), DUE)
    edit(replace(values_of(rule()), categories=()), DUE + MINUTE)
    sweep(DUE + MINUTE)
    assert reminded() == [
        *((person, slug, DeliveryState.SENT) for person, slug, _state in first),
        *((one, "day-before", DeliveryState.WAITING) for one in {*people, chi} - {person for person, *_rest in first}),
    ]


@SQLITE
def test_a_round_of_which_nothing_left_in_time_is_missed(people: list[int]) -> None:
    sweep(DUE)
    late = FIRST_START - 15 * MINUTE
    assert round_of(late).state is RoundState.SENDING
    with writing():
        for mail in outbox.claim(owner=OWNER, limit=50, now=late):
            outbox.drop(mail, owner=OWNER, now=late)
    missed = round_of(late)
    assert (missed.state, missed.missed, missed.not_needed) == (RoundState.MISSED, 2, 0)


def test_a_sweep_and_a_pause_at_once_leave_nothing_that_waits(app: Flask, people: list[int]) -> None:
    """Whichever comes first: the other waits for it, and then sees what it did."""

    def run(work: Callable[[], object]) -> None:
        with app.app_context(), writing():
            work()

    def sweeps() -> object:
        return reminders.make_reminders(now=DUE)

    def pauses() -> object:
        return reminder_edits.pause(rule(), now=DUE)

    for first, second in ((sweeps, pauses), (pauses, sweeps)):
        other = Thread(target=run, args=(second,))
        with writing():
            first()
            other.start()
            wait_until_it_waits(other)
        other.join()
        assert (rule().paused, reminded()) == (True, [])
        with writing():
            reminder_edits.resume(rule(), now=DUE)


def wait_until_it_waits(other: Thread) -> None:
    """Until it is seen waiting for a lock, or is done; on SQLite, where that cannot be seen, not at all."""
    blocked = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    while db.engine.dialect.name == "postgresql" and other.is_alive():
        with db.engine.connect() as connection:
            if connection.execute(blocked).scalar_one():
                return
        other.join(0.01)


@SQLITE
def test_what_is_resumed_after_its_use_is_missed(people: list[int]) -> None:
    with writing():
        reminder_edits.pause(rule(), now=DUE - HOUR)
    sweep(DUE)
    assert round_of(DUE).state is RoundState.PAUSED
    late = FIRST_START - 15 * MINUTE
    with writing():
        reminder_edits.resume(rule(), now=late)
    sweep(late)
    assert [slug for _person, slug, _state in reminded()] == ["quarter-hour"] * 2
    assert round_of(late).state is RoundState.MISSED


def test_new_words_make_a_mail_be_written_anew_and_no_delivery(people: list[int]) -> None:
    sweep(DUE)
    mail = claim(DUE)
    before = outbox.marks(mail, owner=OWNER, now=DUE)
    assert edit(replace(values_of(rule()), text={"en": "Until {time}!"}), DUE)
    after = outbox.marks(mail, owner=OWNER, now=DUE)
    assert (after.keys(), after == before) == (before.keys(), False)
    assert [state for _person, _slug, state in reminded()] == [DeliveryState.WAITING] * 2


def test_a_new_time_is_for_those_who_have_not_had_the_reminder(people: list[int]) -> None:
    amina, bo = people
    sweep(DUE)
    sent(claim(DUE), DUE)
    assert edit(IN_TWO_HOURS, DUE)
    sweep(DUE + MINUTE)
    assert reminded() == [(amina, "day-before", DeliveryState.SENT)]
    sweep(FIRST_START - 2 * HOUR)
    assert reminded() == [(amina, "day-before", DeliveryState.SENT), (bo, "day-before", DeliveryState.WAITING)]


def test_new_people_are_reminded_and_others_no_more(people: list[int], now: datetime) -> None:
    french = take_part_by_rule("chi@example.org", "women-led", now=now, language="fr", sessions=["human-rights"])
    sweep(DUE)
    assert len(reminded()) == 3
    assert edit(replace(values_of(rule()), categories=("women-led", "youth"), languages=("fr",)), DUE)
    sweep(DUE + MINUTE)
    assert reminded() == [(french, "day-before", DeliveryState.WAITING)]


@SQLITE
def test_a_rule_for_one_session_reminds_of_no_other(people: list[int], now: datetime) -> None:
    both = take_part_by_rule("both@example.org", now=now)
    edit(replace(values_of(rule()), sessions=("civil-society",)), now)
    sweep(DUE)
    assert reminded() == []
    sweep(LAST_END - DAY)
    assert (both, "day-before", DeliveryState.WAITING) in reminded()


def test_a_rule_at_a_clock_time_reminds_once(people: list[int], now: datetime) -> None:
    evening = RuleValues(When(days_before=1, clock_time=time(18)))
    with writing():
        slug = reminder_edits.add(event_named(SLUG), evening, now=now).slug
    due = FIRST_START - 16 * HOUR
    assert (slug, round_of(now, slug).due_at) == ("reminder-1", due)
    edit(values_of(rule()), now)
    for moment in (due - MINUTE, due, due + MINUTE):
        sweep(moment)
    assert sorted(person for person, one, _state in reminded() if one == slug) == people


@SQLITE
def test_a_moved_session_whose_clock_time_is_skipped_is_reminded_of_all_the_same(
    app: Flask, people: list[int], now: datetime
) -> None:
    """At 02:30 of the night in which the clocks go forward to 03:00."""
    edit(RuleValues(When(days_before=1, clock_time=time(2, 30))), now)
    move_session(app, "human-rights", datetime(2027, 3, 15, 14, tzinfo=FIRST_START.tzinfo) - FIRST_START)
    due = datetime(2027, 3, 14, 7, tzinfo=FIRST_START.tzinfo)
    sweep(due - MINUTE)
    assert reminded() == []
    sweep(due)
    assert [person for person, _slug, _state in reminded()] == people


def test_sent_now_it_is_sent_at_its_time_to_those_alone_who_were_confirmed_since(
    people: list[int], now: datetime
) -> None:
    with writing():
        assert reminders.send_now(rule(), first_session(), now=now) == 2
    assert (round_of(now).state, round_of(now).made_at) == (RoundState.SENDING, None)
    for _person in people:
        sent(claim(now), now)
    early = round_of(now)
    assert (early.state, early.mails) == (RoundState.PLANNED, {DeliveryState.SENT: 2})
    assert reminders.not_reminded(rule(), first_session(), now=now) == 0
    with pytest.raises(Refusal, match="nobody gets it twice"), writing():
        reminders.send_now(rule(), first_session(), now=now)
    people += [take_part_by_rule("chi@example.org", now=now + MINUTE, sessions=["human-rights"])]
    with writing():
        assert reminders.send_now(rule(), first_session(), now=now + MINUTE) == 1
    people += [take_part_by_rule("dara@example.org", now=now + HOUR, sessions=["human-rights"])]
    for moment in (DUE - MINUTE, DUE, DUE + MINUTE):
        sweep(moment)
    assert [(person, slug) for person, slug, _state in reminded()] == [(person, "day-before") for person in people]
    assert round_of(DUE).made_at == DUE


@SQLITE
@pytest.mark.parametrize("why", ["paused", "over", "cancelled", "draft", "another session"])
def test_nothing_is_sent_now_where_nobody_is_to_be_reminded(
    app: Flask, people: list[int], now: datetime, why: str
) -> None:
    if why == "paused":
        change(app, ReminderRule, "day-before", paused=True)
    if why == "cancelled":
        cancel_session(app, "human-rights")
    if why == "draft":
        change(app, Event, SLUG, state=EventState.DRAFT)
    if why == "another session":
        change(app, ReminderRule, "day-before", sessions=["civil-society"])
    moment = LAST_END if why == "over" else now
    with pytest.raises(Refusal), writing():
        reminders.send_now(rule(), first_session(), now=moment)
    assert reminded() == []


def test_two_organizers_at_once_do_not_overwrite_each_other(people: list[int], now: datetime) -> None:
    seen = mark_of(rule())
    assert edit(IN_TWO_HOURS, now)
    with pytest.raises(Refusal, match="Somebody has changed this reminder"), writing():
        reminder_edits.change(rule(), RuleValues(When(minutes_before=30)), seen=seen, now=now)
    assert rule().minutes_before == 120
    with writing():
        assert not reminder_edits.change(rule(), IN_TWO_HOURS, seen=seen, now=now)


def test_a_rule_that_has_sent_nothing_is_deleted_with_what_waits(people: list[int]) -> None:
    sweep(DUE)
    with writing():
        reminder_edits.remove(rule(), now=DUE)
    assert reminded() == []
    assert [one.slug for one in event_named(SLUG).reminder_rules] == ["quarter-hour"]
    sweep(DUE + MINUTE)
    assert reminded() == []


def test_a_rule_that_has_sent_something_stays(people: list[int]) -> None:
    sweep(DUE)
    sent(claim(DUE), DUE)
    with pytest.raises(Refusal, match="pause it instead"), writing():
        reminder_edits.remove(rule(), now=DUE)
    assert len(reminded()) == 2


def test_an_edit_of_a_rule_that_somebody_has_deleted_is_refused(now: datetime) -> None:
    stale, session = rule(), first_session()
    with writing():
        reminder_edits.remove(rule(), now=now)
    for act in (
        lambda: reminder_edits.change(stale, IN_TWO_HOURS, seen="", now=now),
        lambda: reminder_edits.pause(stale, now=now),
        lambda: reminders.send_now(stale, session, now=now),
    ):
        with pytest.raises(NotFound), writing():
            act()


@pytest.mark.parametrize("edit_of", ["add", "change", "pause", "resume", "remove"])
@SQLITE
def test_every_edit_raises_the_events_version(now: datetime, edit_of: str) -> None:
    before = event_named(SLUG).version
    with writing():
        if edit_of == "add":
            reminder_edits.add(event_named(SLUG), IN_TWO_HOURS, now=now)
        elif edit_of == "change":
            reminder_edits.change(rule(), IN_TWO_HOURS, seen=mark_of(rule()), now=now)
        else:
            getattr(reminder_edits, edit_of)(rule(), now=now)
    assert event_named(SLUG).version == before + 1


def test_states_go_from_planned_to_sending_to_sent_with_counts(app: Flask, people: list[int], now: datetime) -> None:
    planned = round_of(now)
    assert (planned.state, planned.due_at, planned.people, planned.mails) == (RoundState.PLANNED, DUE, 2, Counter())
    sweep(DUE)
    assert round_of(DUE).state is RoundState.SENDING
    sent(claim(DUE), DUE)
    mail = claim(DUE)
    with writing():
        outbox.settle(mail, Outcome(sent=False, code=550), owner=OWNER, now=DUE)
    done = round_of(DUE)
    assert (done.state, done.made_at) == (RoundState.SENT, DUE)
    assert done.mails == {DeliveryState.SENT: 1, DeliveryState.FAILED: 1}
    move_session(app, "human-rights", HOUR)
    rounds = reminders_of(event_named(SLUG), now=DUE).of(rule())
    assert [(one.session.slug, one.is_old, one.state) for one in rounds if one.session.slug == "human-rights"] == [
        ("human-rights", True, RoundState.SENT),
        ("human-rights", False, RoundState.PLANNED),
    ]


@SQLITE
def test_states_where_nobody_is_to_be_reminded(app: Flask, people: list[int], now: datetime) -> None:
    assert round_of(FIRST_START).state is RoundState.MISSED
    change(app, ReminderRule, "day-before", minutes_before=None, days_before=0, clock_time=time(12))
    assert round_of(now).state is RoundState.NEVER
    change(app, EventSession, "human-rights", state=SessionState.CANCELLED)
    assert round_of(now).state is RoundState.OFF


@SQLITE
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (RuleValues(When(minutes_before=15)), []),
        (RuleValues(When(days_before=1, clock_time=time(18)), text={"en": "{{ {name} }}"}), []),
        (RuleValues(When(minutes_before=0)), [("minutes_before", "Choose a time from one minute to 30 days")]),
        (RuleValues(When(minutes_before=43201)), [("minutes_before", "Choose a time from one minute to 30 days")]),
        (RuleValues(When(days_before=31, clock_time=time(18))), [("days_before", "Write how many days before")]),
        (RuleValues(When(days_before=1)), [("clock_time", "Write the time of day.")]),
        (RuleValues(When(days_before=0, clock_time=time(10))), [("clock_time", "No session starts later")]),
        (RuleValues(When(days_before=0, clock_time=time(9, 30))), []),
        (RuleValues(When(minutes_before=15), categories=("nobody",)), [("categories", "This choice is not offered")]),
        (RuleValues(When(minutes_before=15), sessions=("none",)), [("sessions", "This choice is not offered")]),
        (RuleValues(When(minutes_before=15), subject={"en": "Hello"}), [("text_en", "There is a subject")]),
        (RuleValues(When(minutes_before=15), text={"fr": "Bonjour"}), [("text_en", "Write the text in the event's")]),
        (
            RuleValues(When(minutes_before=15), subject={"en": "{who}"}, text={"en": "{name.upper}"}),
            [("subject_en", "There is no placeholder “{who}”"), ("text_en", "There is no placeholder “{name.upper}”")],
        ),
        (RuleValues(When(minutes_before=15), text={"en": "{0.__class__}"}), [("text_en", "There is no placeholder")]),
        (RuleValues(When(minutes_before=15), text={"en": "{name!r:>9}"}), [("text_en", "There is no placeholder")]),
        (RuleValues(When(minutes_before=15), text={"en": "Set {x"}), [("text_en", "A brace stands alone here")]),
    ],
)  # fmt: skip
def test_what_may_not_stand_in_a_rule(now: datetime, wanted: RuleValues, expected: list[tuple[str, str]]) -> None:
    found = refusal(wanted, now)
    assert [field for field, _sentence in found] == [field for field, _sentence in expected]
    assert [told.startswith(begins) for (_f, told), (_g, begins) in zip(found, expected, strict=True)] == [True] * len(
        expected
    )


@SQLITE
def test_an_unknown_placeholder_is_told_with_those_there_are(now: datetime) -> None:
    words = {"subject": {"en": "Open {own_page}"}, "text": {"en": "Dear {who}"}}
    assert refusal(RuleValues(When(minutes_before=15), **words), now) == [
        ("subject_en", "There is no placeholder “{own_page}”; there are {name}, {event}, {session}, {time}."),
        (
            "text_en",
            "There is no placeholder “{who}”; there are {name}, {event}, {session}, {time}, {watch_page}, {own_page}.",
        ),
    ]


@SQLITE
@pytest.mark.parametrize(
    ("starts", "hour", "told"),
    [
        ("2027-03-14T14:00+00:00", "02:30", "2027-03-14 02:30 does not exist in America/New_York"),
        ("2026-11-01T15:00+00:00", "01:30", "2026-11-01 01:30 exists twice in America/New_York"),
    ],
)
def test_a_clock_time_that_clocks_skip_or_repeat_is_refused_with_those_that_can_be(
    app: Flask, now: datetime, starts: str, hour: str, told: str
) -> None:
    move_session(app, "human-rights", datetime.fromisoformat(starts) - FIRST_START)
    wanted = RuleValues(When(days_before=0, clock_time=time.fromisoformat(hour)))
    ((field, sentence),) = refusal(wanted, now)
    assert (field, sentence.startswith(told), " or later." in sentence) == ("clock_time", True, True)
    assert refusal(replace(wanted, sessions=("civil-society",)), now) == []
