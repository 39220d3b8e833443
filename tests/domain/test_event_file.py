"""Taking an event file in again after an edit: what changes, what stays, and what may not be lost."""

from __future__ import annotations

import re
from datetime import time

import pytest
from sqlalchemy import func, select

from registration.domain import reminder_edits
from registration.domain.event_file import Outcome
from registration.domain.reminder_times import When
from registration.domain.reminder_values import RuleValues, mark_of
from registration.extensions import db, writing
from registration.keys import new_public_id
from registration.models import (
    Category,
    Delivery,
    EventSession,
    Registration,
    ReminderRound,
    ReminderRule,
    SessionChoice,
)
from registration.models.delivery import DeliveryKind, DeliveryState
from registration.models.registration import PROVED, RegistrationState
from tests.support.event_files import LATER, NOW, SMALL, edited, event, faults_of, line_of, take_in

pytestmark = pytest.mark.usefixtures("context")


def session(slug: str) -> EventSession:
    return db.session.execute(select(EventSession).where(EventSession.slug == slug)).scalar_one()


def register(category: str, state: RegistrationState, *sessions: str) -> int:
    """Somebody is registered for the small event. Returns the registration's id."""
    with writing():
        found = db.session.execute(select(Category).where(Category.slug == category)).scalar_one()
        person = Registration(
            public_id=new_public_id(),
            event_id=found.event_id,
            category_id=found.id,
            address_hash=new_public_id().encode(),
            claim=PROVED,
            state=state,
            language="en",
            stream_language="floor",
            zone="UTC",
            sealed=b"",
            created_at=NOW,
            updated_at=NOW,
            waiting_since=NOW if state is RegistrationState.WAITING else None,
            choices=[SessionChoice(session_id=session(slug).id) for slug in sessions],
        )
        db.session.add(person)
        db.session.flush()
        return person.id


@pytest.mark.parametrize(
    ("old", "new", "revisions", "dated"),
    [
        ("starts: 2027-05-04 10:00", "starts: 2027-05-04 10:30", (1, 0), ("first",)),
        ("ends: 2027-05-05 12:30", "ends: 2027-05-05 12:45", (0, 1), ("second",)),
        ("title: First session", "title: Another first session", (1, 0), ("first",)),
        ("state: scheduled", "state: cancelled", (0, 1), ("second",)),
        ("url: https://rooms.example.org/1", "url: https://rooms.example.org/2", (1, 0), ("first",)),
        ("title: Small event", "title: Another small event", (1, 1), ("first", "second")),
        ("state: published", "state: cancelled", (1, 1), ("first", "second")),
        ("zone: America/New_York", "zone: America/Toronto", (1, 1), ("first", "second")),
        ("zone: America/New_York", "zone: America/Chicago", (1, 1), ("first", "second")),
        ("theme: First theme", "theme: Another theme", (0, 0), ("first",)),
        ("summary: A small event.", "summary: A smaller event.", (0, 0), ()),
        ("name: Mr. Speaker", "name: Dr. Speaker", (0, 0), ()),
        ("places: 2", "places: 3", (0, 0), ()),
        ("invitations: true", "invitations: false", (0, 0), ()),
        ("notice_minutes: 10", "notice_minutes: 0", (0, 0), ()),
    ],
)
def test_an_edit_raises_the_revision_of_what_stands_in_calendars(
    old: str, new: str, revisions: tuple[int, int], dated: tuple[str, ...]
) -> None:
    take_in(SMALL)
    assert take_in(edited(old, new), LATER) == Outcome.UPDATED
    small = event()
    assert (small.version, small.updated_at) == (2, LATER)
    assert [(one.slug, one.revision) for one in small.sessions] == list(
        zip(("first", "second"), revisions, strict=True)
    )
    assert {one.slug: one.updated_at for one in small.sessions} == {
        slug: LATER if slug in dated else NOW for slug in ("first", "second")
    }


def test_a_new_event_title_raises_each_revision_once_whatever_else_changes() -> None:
    take_in(SMALL)
    changed = SMALL.replace("title: Small event", "title: Another").replace("theme: First theme", "theme: Another")
    changed = changed.replace("title: Second session", "title: Another second session")
    take_in(changed, LATER)
    assert [(one.revision, one.updated_at) for one in event().sessions] == [(1, LATER), (1, LATER)]


def test_an_edit_changes_rows_in_place_and_keeps_registrations() -> None:
    take_in(SMALL)
    register("open", RegistrationState.CONFIRMED, "first", "second")
    before = [(one.id, one.code) for one in event().sessions]
    take_in(edited("starts: 2027-05-04 10:00", "starts: 2027-05-04 10:30"), LATER)
    assert [(one.id, one.code) for one in event().sessions] == before
    assert db.session.execute(select(func.count()).select_from(SessionChoice)).scalar_one() == 2


def test_invitations_are_on_and_edits_are_gathered_for_ten_minutes_unless_a_file_says_otherwise() -> None:
    take_in(SMALL.replace("invitations: true\n", "").replace("notice_minutes: 10\n", ""))
    assert (event().invitations, event().notice_minutes) == (True, 10)
    assert take_in(SMALL, LATER) == Outcome.UNCHANGED
    take_in(SMALL.replace("invitations: true", "invitations: false").replace("minutes: 10", "minutes: 1440"), LATER)
    assert (event().invitations, event().notice_minutes) == (False, 1440)
    take_in(edited("notice_minutes: 10", "notice_minutes: 0"), LATER)
    assert (event().invitations, event().notice_minutes) == (True, 0)


def test_an_edit_adds_and_removes_sessions() -> None:
    small = SMALL.replace("sessions: [first]", "sessions: [second]")
    take_in(small)
    head, first, second = re.split(r"(?m)^(?=  - slug: (?:first|second)$)", small)
    third = second.replace("slug: second", "slug: third").replace("2027-05-05", "2027-05-06")
    assert take_in(head + third + second, LATER) == Outcome.UPDATED
    assert [one.slug for one in event().sessions] == ["second", "third"]
    assert take_in(head + first + second, LATER) == Outcome.UPDATED
    assert [one.slug for one in event().sessions] == ["first", "second"]


def test_categories_keep_the_order_of_the_file() -> None:
    take_in(SMALL)
    categories = re.search(r"(?ms)^  - slug: open$.*?(?=^  - slug: reviewed$)", SMALL)
    assert categories
    without = SMALL.replace(categories[0], "")
    take_in(without.replace("sessions:\n", f"{categories[0]}sessions:\n"), LATER)
    assert [one.slug for one in event().categories] == ["reviewed", "open"]


def test_new_places_go_to_those_who_wait() -> None:
    take_in(SMALL)
    register("open", RegistrationState.CONFIRMED)
    register("open", RegistrationState.CONFIRMED)
    waiting = register("open", RegistrationState.WAITING)
    take_in(edited("places: 2", "places: 3"), LATER)
    person = db.session.get(Registration, waiting)
    assert person
    assert person.state is RegistrationState.CONFIRMED


def test_a_file_may_not_lose_a_session_that_people_chose() -> None:
    take_in(SMALL)
    register("open", RegistrationState.CONFIRMED, "second")
    without = SMALL[: SMALL.index("  - slug: second")].replace("summary: A small", "summary: A new")
    line = line_of("- slug: first", without) - 1
    assert faults_of(without) == [
        f"line {line}, sessions: The session “second” has 1 registrations; keep it, with “state: cancelled”."
    ]
    assert event().summary == {"en": "A small event."}


def test_a_file_may_not_lose_a_category_that_people_chose() -> None:
    take_in(SMALL)
    register("reviewed", RegistrationState.IN_REVIEW)
    without = SMALL.replace("slug: reviewed", "slug: renamed").replace("[reviewed]", "[renamed]")
    assert faults_of(without) == [
        f"line {line_of('  - slug: open', without) - 1}, categories: The category “reviewed” has 1 registrations; "
        "keep it."
    ]


def test_a_file_may_not_lose_a_question_that_people_may_have_answered() -> None:
    take_in(SMALL)
    register("reviewed", RegistrationState.CANCELLED)
    without = SMALL.replace("name: pleased", "name: happy")
    assert faults_of(without) == [
        f"line {line_of('questions:', without)}, categories[1].questions: People registered here may have answered the "
        "question “pleased”; keep it. Its label may change."
    ]


def test_a_file_may_not_lose_a_choice_that_people_may_have_made() -> None:
    take_in(SMALL)
    register("reviewed", RegistrationState.IN_REVIEW)
    without = SMALL.replace("value: no\n", "value: perhaps\n")
    assert faults_of(without) == [
        f"line {line_of('choices:', without)}, categories[1].questions[1].choices: People registered here may have "
        "chosen “no”; keep it. Its label may change."
    ]


def test_a_file_may_not_change_the_kind_of_a_question_that_people_may_have_answered() -> None:
    take_in(SMALL)
    register("reviewed", RegistrationState.CONFIRMED)
    other = SMALL.replace("kind: one_choice", "kind: several_choices")
    assert faults_of(other) == [
        f"line {line_of('kind: several_choices', other)}, categories[1].questions[1].kind: People registered here may "
        "have answered this question; keep its kind, “one_choice”."
    ]


def test_questions_and_choices_may_get_other_labels_and_others_beside_them() -> None:
    take_in(SMALL)
    register("reviewed", RegistrationState.CONFIRMED)
    more = SMALL.replace("label: Not yet", "label: No\n          - value: perhaps\n            label: Perhaps")
    more = more.replace("label: Are you pleased?", "label: Are you happy?")
    assert take_in(more, LATER) == Outcome.UPDATED


def test_questions_and_choices_may_go_where_only_other_categories_have_people() -> None:
    take_in(SMALL)
    register("open", RegistrationState.CONFIRMED)
    without = SMALL.replace("value: no\n", "value: perhaps\n").replace("name: pleased", "name: happy")
    assert take_in(without, LATER) == Outcome.UPDATED


def test_a_file_may_not_offer_fewer_places_than_are_held() -> None:
    take_in(SMALL)
    register("open", RegistrationState.CONFIRMED)
    register("open", RegistrationState.CONFIRMED)
    register("reviewed", RegistrationState.IN_REVIEW)
    fewer = SMALL.replace("places: 50", "places: 2").replace("places: 2\n  - slug: rev", "places: 1\n  - slug: rev")
    assert faults_of(fewer) == [
        f"line {line_of('places: 2', fewer)}, registration.places: This is less than the 3 places already held; write "
        "3 or more.",
        f"line {line_of('places: 1', fewer)}, categories[0].places: This is less than the 2 places already held; write "
        "2 or more.",
    ]
    assert take_in(SMALL.replace("places: 50", "places: 3"), LATER) == Outcome.UPDATED


def test_a_file_with_a_fault_at_its_end_changes_nothing() -> None:
    take_in(SMALL)
    faults_of(SMALL.replace("A small event", "A new event") + "unknown: 1\n")
    assert (event().version, event().summary) == (1, {"en": "A small event."})


EVENING = SMALL[SMALL.index("  - slug: evening-before") : SMALL.index("categories:\n  - slug: open")]
WITHOUT_EVENING = SMALL.replace(EVENING, "")


def rule(slug: str) -> ReminderRule:
    return db.session.execute(select(ReminderRule).where(ReminderRule.slug == slug)).scalar_one()


def remind(slug: str, state: DeliveryState) -> None:
    """A reminder of the first session by this rule is made, and fares so."""
    person = register("open", RegistrationState.CONFIRMED, "first")
    first = session("first")
    with writing():
        made = {"rule_id": rule(slug).id, "session_id": first.id, "starts_at": first.starts_at}
        db.session.add(ReminderRound(**made, made_at=NOW))
        moments = {"due_at": NOW, "useful_until": LATER, "next_try_at": NOW}
        kind = DeliveryKind.REMINDER
        db.session.add(Delivery(key="one", kind=kind, registration_id=person, state=state, **made, **moments))


def reminders() -> tuple[int, int]:
    """How many are made, in how many rounds."""
    deliveries = db.session.execute(select(func.count()).select_from(Delivery)).scalar_one()
    return deliveries, db.session.execute(select(func.count()).select_from(ReminderRound)).scalar_one()


def test_a_reminder_has_what_the_file_says() -> None:
    take_in(SMALL)
    evening = rule("evening-before")
    assert (evening.minutes_before, evening.days_before, evening.clock_time) == (None, 1, time(18))
    assert (evening.categories, evening.sessions, evening.languages) == ([], ["first"], ["en", "fr"])
    assert evening.subject == {"en": "Tomorrow: {session}"}
    assert evening.text == {"en": "{name}, we look forward to seeing you."}
    assert rule("quarter-hour").minutes_before == 15
    assert take_in(SMALL, LATER) == Outcome.UNCHANGED


def test_a_file_wins_over_the_desk_but_leaves_a_pause_alone() -> None:
    take_in(SMALL)
    with writing():
        reminder_edits.add(event(), RuleValues(When(minutes_before=60)), now=NOW)
        seen = mark_of(rule("quarter-hour"))
        reminder_edits.change(rule("quarter-hour"), RuleValues(When(minutes_before=30)), seen=seen, now=NOW)
        reminder_edits.pause(rule("evening-before"), now=NOW)
    assert take_in(SMALL, LATER) == Outcome.UPDATED
    assert [(one.slug, one.minutes_before, one.paused) for one in event().reminder_rules] == [
        ("quarter-hour", 15, False),
        ("evening-before", None, True),
    ]


def test_a_reminder_that_has_been_sent_outlives_the_file_paused() -> None:
    take_in(SMALL)
    remind("evening-before", DeliveryState.SENT)
    assert take_in(WITHOUT_EVENING, LATER) == Outcome.UPDATED
    assert (rule("evening-before").paused, rule("evening-before").clock_time, reminders()) == (True, time(18), (1, 1))
    assert take_in(WITHOUT_EVENING, LATER) == Outcome.UNCHANGED


def test_a_reminder_that_only_waits_goes_with_the_file() -> None:
    take_in(SMALL)
    remind("evening-before", DeliveryState.WAITING)
    assert take_in(WITHOUT_EVENING, LATER) == Outcome.UPDATED
    assert ([one.slug for one in event().reminder_rules], reminders()) == (["quarter-hour"], (0, 0))


@pytest.mark.parametrize(
    ("old", "new", "left"),
    [
        ("days_before: 1", "days_before: 2", (0, 0)),
        ("languages: [en, fr]", "languages: [fr]", (0, 0)),
        ("we look forward to seeing you", "see you soon", (1, 1)),
    ],
)
def test_a_file_takes_back_what_waits_where_it_changes_when_or_whom(old: str, new: str, left: tuple[int, int]) -> None:
    take_in(SMALL)
    remind("evening-before", DeliveryState.WAITING)
    assert take_in(edited(old, new), LATER) == Outcome.UPDATED
    assert reminders() == left
