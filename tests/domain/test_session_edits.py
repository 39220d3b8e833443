"""Edits of a session at the desk: what they change, what they refuse, and what is foretold of them."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from registration.domain import holdings, notices, session_edits
from registration.domain.catalogue import whole_event
from registration.domain.facts import Change
from registration.domain.programme import event_named, session_called
from registration.domain.session_edits import SessionValues
from registration.errors import Refusal
from registration.extensions import db, writing
from registration.models import Delivery, Event, EventSession, Invitation, SessionRevision
from registration.models.delivery import DeliveryState
from registration.models.event import EventState
from registration.models.invitation import Standing
from registration.models.programme import SessionState
from tests.support.clock import FakeClock
from tests.support.dialogue import (
    DAY,
    FIRST_START,
    LAST_END,
    MINUTE,
    SLUG,
    load_dialogue,
    registration,
    take_part_by_rule,
    tell_all,
)

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HOUR = 60 * MINUTE
SPRING = datetime.fromisoformat("2027-03-14T02:30")
"""On that night the clocks of New York go forward from 2:00 to 3:00."""
AUTUMN = datetime.fromisoformat("2026-11-01T01:30")
"""And go back from 2:00 to 1:00."""


@pytest.fixture(autouse=True)
def _dialogue(app: Flask, context: None) -> None:
    load_dialogue(app, invitations=True)


def first() -> EventSession:
    return session_called(event_named(SLUG), "human-rights")


def edit(now: datetime, *, seen: int | None = None, **values: Any) -> bool:
    """Edit the first session in a unit of work of its own."""
    with writing():
        session = first()
        wanted = replace(session_edits.values_of(session), **values)
        return session_edits.edit(session, wanted, seen_revision=session.revision if seen is None else seen, now=now)


def moved(by: timedelta) -> dict[str, datetime]:
    session = first()
    return {"starts": session.starts_wall + by, "ends": session.ends_wall + by}


def refusal(now: datetime, **values: Any) -> tuple[str, str | None]:
    """The sentence and the field with which an edit is refused; nothing of it may stay."""
    before = rows()
    with pytest.raises(Refusal) as caught:
        edit(now, **values)
    assert rows() == before
    return str(caught.value), caught.value.field


def rows() -> list[Any]:
    """What an edit could touch."""
    db.session.rollback()
    session, event = first(), event_named(SLUG)
    revisions = [(one.number, one.title, one.starts_at, one.takes_place, one.streams) for one in session.revisions]
    return [
        session_edits.values_of(session),
        (session.starts_at, session.ends_at, session.revision, session.notice_at, session.updated_at),
        (event.version, event.updated_at),
        revisions,
        db.session.scalar(select(func.count()).select_from(Delivery)),
    ]


def told(now: datetime, **values: Any) -> list[tuple[frozenset[Change], int, int, dict[str, int]]]:
    """Who would be told what of an edit: (changes, people, discreet ones, people by language)."""
    session = first()
    wanted = replace(session_edits.values_of(session), **values)
    found = session_edits.preview(session, wanted, seen_revision=session.revision, now=now)
    return [(one.changes, one.people, one.discreet, dict(one.languages)) for one in found.tellings]


def test_an_edit_changes_the_session_and_keeps_what_it_was(now: datetime) -> None:
    event, version = event_named(SLUG), event_named(SLUG).version
    before = session_edits.values_of(first())
    assert edit(now + HOUR, **moved(2 * HOUR), title={**before.title, "fr": "Ouverture"}) is True
    session = first()
    assert (session.starts_at, session.ends_at) == (
        FIRST_START + 2 * HOUR,
        FIRST_START + 2 * HOUR + timedelta(hours=3.25),
    )
    assert session.starts_wall == before.starts + 2 * HOUR
    assert session.title == {**before.title, "fr": "Ouverture"}
    assert [(one.number, one.title["fr"], one.starts_at) for one in session.revisions] == [
        (0, before.title["fr"], FIRST_START),
        (1, "Ouverture", FIRST_START + 2 * HOUR),
    ]
    assert (session.updated_at, session.notice_at) == (now + HOUR, now + HOUR + 10 * MINUTE)
    assert (event.version, event.updated_at) == (version + 1, now + HOUR)


def test_what_was_kept_in_memory_is_made_anew(now: datetime) -> None:
    assert [one.slug for one in whole_event(SLUG).sessions] == ["human-rights", "civil-society"]
    edit(now, **moved(2 * DAY))
    assert [one.slug for one in whole_event(SLUG).sessions] == ["civil-society", "human-rights"]


def test_a_stream_gets_another_address(now: datetime) -> None:
    url = "https://webtv.un.org/live"
    assert edit(now, urls={"live-floor": url}) is True
    found = {stream.slug: stream.url for stream in first().streams}
    assert found == {"live-floor": url}
    assert first().revisions[-1].streams[0]["url"] == url


def test_a_title_in_a_language_can_be_taken_away(now: datetime) -> None:
    assert edit(now, title={"en": "Opening"}) is True
    assert first().title == {"en": "Opening"}


def test_a_cancelled_session_comes_back(now: datetime) -> None:
    edit(now, state=SessionState.CANCELLED)
    edit(now, state=SessionState.SCHEDULED)
    assert [one.takes_place for one in first().revisions] == [True, False, True]


@SQLITE
def test_an_edit_that_changes_nothing_leaves_everything_alone(now: datetime) -> None:
    before = rows()
    assert edit(now + HOUR) is False
    assert edit(now + HOUR, seen=77) is False
    assert rows() == before


@SQLITE
@pytest.mark.parametrize(
    ("values", "sentence", "field"),
    [
        ({"ends": datetime.fromisoformat("2026-05-26T10:00")}, "This must be later than the start.", "ends"),
        (
            {"ends": datetime.fromisoformat("2026-05-27T10:01")},
            "This must be at most 24 hours after the start.",
            "ends",
        ),
        ({"title": {"fr": "Ouverture"}}, "Write a title in the event's default language.", "title_en"),
        ({"title": {"en": "\u200b"}}, "Write a title in the event's default language.", "title_en"),
        (
            {"starts": SPRING, "ends": SPRING + 3 * HOUR},
            "2027-03-14 02:30 does not exist in America/New_York, where the clocks go forward then; choose 2027-03-14 "
            "01:59 or earlier, or 2027-03-14 03:00 or later.",
            "starts",
        ),
        (
            {"starts": AUTUMN - 4 * HOUR, "ends": AUTUMN},
            "2026-11-01 01:30 exists twice in America/New_York, where the clocks go back then; choose 2026-11-01 00:59 "
            "or earlier, or 2026-11-01 02:00 or later.",
            "ends",
        ),
        (
            {"urls": {"live-floor": "webtv.un.org"}},
            "This is no address of the web; write it as https://webtv.un.org/.",
            "url_live-floor",
        ),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(
    now: datetime, values: dict[str, Any], sentence: str, field: str
) -> None:
    assert refusal(now, **values) == (sentence, field)


@SQLITE
def test_all_faults_are_named_at_once() -> None:
    wanted = SessionValues({}, SPRING, AUTUMN, SessionState.SCHEDULED, {"live-floor": ""})
    assert [one.field for one in session_edits.faults(first(), wanted)] == [
        "title_en",
        "starts",
        "ends",
        "url_live-floor",
    ]


@SQLITE
@pytest.mark.parametrize("hours", [1, 2, 3, 4, 5])
def test_a_session_may_be_longer_or_shorter_on_the_clock_than_it_is(now: datetime, hours: int) -> None:
    """From 0:30 on the night the clocks go back: the wall time of its end may be what it is not on other days."""
    starts = datetime.fromisoformat("2026-11-01T00:30")
    ends = starts + hours * HOUR
    if ends == AUTUMN:
        assert refusal(now, starts=starts, ends=ends)[1] == "ends"
    else:
        edit(now, starts=starts, ends=ends)
        assert first().ends_at - first().starts_at == (hours + 1) * HOUR


@SQLITE
def test_a_day_is_not_too_long(now: datetime) -> None:
    assert edit(now, ends=first().starts_wall + DAY) is True


@SQLITE
def test_a_session_that_was_longer_before_can_be_cancelled_but_not_moved(now: datetime) -> None:
    with writing():
        session = first()
        session.ends_wall, session.ends_at = session.ends_wall + 3 * DAY, session.ends_at + 3 * DAY
    assert edit(now, state=SessionState.CANCELLED) is True
    assert refusal(now, **moved(HOUR))[1] == "ends"


def test_an_edit_of_what_somebody_else_has_changed_is_refused(now: datetime) -> None:
    edit(now, state=SessionState.CANCELLED)
    sentence, field = refusal(now, seen=0, **moved(HOUR))
    assert (sentence.partition(";")[0], field) == ("Somebody has changed this session in the meantime", None)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_of_two_edits_at_once_one_is_refused(app: Flask, now: datetime) -> None:
    """SQLite lets one writer in after the other from the beginning."""
    together = threading.Barrier(2)
    outcomes: list[str] = []

    def run(by: timedelta) -> None:
        with app.app_context():
            wanted = moved(by)
            together.wait(10)
            try:
                outcomes.append(str(edit(now, seen=0, **wanted)))
            except Refusal as refused:
                outcomes.append(str(refused).partition(";")[0])

    threads = [threading.Thread(target=run, args=(by,)) for by in (HOUR, 2 * HOUR)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["Somebody has changed this session in the meantime", "True"]
    db.session.rollback()
    assert [one.number for one in first().revisions] == [0, 1]


def test_a_preview_says_who_would_be_told_what_and_changes_nothing(now: datetime) -> None:
    take_part_by_rule("amina@example.org", now=now)
    take_part_by_rule("bo@example.org", language="fr", now=now)
    take_part_by_rule("chi@example.org", language="fr", discreet=True, now=now)
    take_part_by_rule("dan@example.org", sessions=["civil-society"], now=now)
    before = rows()
    title = {**first().title, "fr": "Ouverture"}
    assert told(now, **moved(HOUR), title=title) == [
        (frozenset({Change.MOVED}), 2, 1, {"en": 1, "fr": 1}),
        (frozenset({Change.MOVED, Change.RENAMED}), 1, 0, {"fr": 1}),
    ]
    assert told(now, title=title) == [(frozenset({Change.RENAMED}), 1, 0, {"fr": 1})]
    assert told(now, state=SessionState.CANCELLED) == [
        (frozenset({Change.CANCELLED}), 3, 1, {"en": 1, "fr": 2}),
    ]
    assert told(now, urls={"live-floor": "https://webtv.un.org/live"}) == [
        (frozenset({Change.RELINKED}), 2, 0, {"en": 1, "fr": 1}),
    ]
    assert told(now, title={**first().title, "ru": "Открытие"}) == []
    assert told(now) == []
    assert rows() == before


def test_a_preview_tells_with_it_what_was_changed_before(now: datetime) -> None:
    take_part_by_rule(now=now)
    edit(now, **moved(HOUR))
    assert told(now, state=SessionState.CANCELLED) == [(frozenset({Change.CANCELLED}), 1, 0, {"en": 1})]
    assert told(now, **moved(-HOUR)) == []


@SQLITE
@pytest.mark.parametrize(
    ("before_start", "wait"),
    [(3 * HOUR, 10 * MINUTE), (2 * HOUR + MINUTE, 10 * MINUTE), (2 * HOUR, 0 * MINUTE), (-HOUR, 0 * MINUTE)],
)
def test_a_preview_says_when(now: datetime, clock: FakeClock, before_start: timedelta, wait: timedelta) -> None:
    take_part_by_rule(now=now)
    at = clock.move_to(FIRST_START - before_start)
    found = session_edits.preview(
        first(), replace(session_edits.values_of(first()), **moved(DAY)), seen_revision=0, now=at
    )
    assert (found.people, found.at) == (1, at + wait)


@SQLITE
def test_nobody_is_told_of_what_is_over_or_not_published(now: datetime) -> None:
    take_part_by_rule(now=now)
    title = {"en": "Opening"}
    assert [one[1] for one in told(now, title=title)] == [1]
    assert told(LAST_END, title=title) == []
    for state, people in ((EventState.DRAFT, []), (EventState.ARCHIVED, []), (EventState.PUBLISHED, [1])):
        db.session.execute(update(Event).values(state=state))
        db.session.commit()
        assert (state, [one[1] for one in told(now, title=title)]) == (state, people)


def test_what_is_foretold_is_what_is_owed(now: datetime) -> None:
    """The worker, when the time has come, owes a mail to as many as the preview said."""
    for number in range(7):
        take_part_by_rule(f"person{number}@example.org", language="en" if number % 2 else "es", now=now)
    with writing():
        registration(1).invitations = False
    wanted = {**moved(HOUR), "title": {**first().title, "es": "Apertura"}}
    people = sum(one[1] for one in told(now, **wanted))
    edit(now, **wanted)
    with writing():
        tell_all(now=now + 10 * MINUTE)
    waiting = select(func.count()).where(Delivery.state == DeliveryState.WAITING)
    assert people == db.session.scalar(waiting) == 7


def test_holdings_count_who_holds_what_and_how_their_mail_fares(now: datetime) -> None:
    ids = [take_part_by_rule(f"person{number}@example.org", now=now) for number in range(5)]
    take_part_by_rule("elsewhere@example.org", sessions=["civil-society"], now=now)
    found = holdings.holdings(first())
    assert (found.takes_part, found.up_to_date, found.not_up_to_date, found.behind) == (5, 5, 0, [])

    edit(now, **moved(HOUR))
    with writing():
        tell_all(now=now + 10 * MINUTE)
        newest = select(func.max(Delivery.id)).group_by(Delivery.registration_id)
        for registration_id, state, code in ((ids[0], DeliveryState.FAILED, 550), (ids[1], DeliveryState.WAITING, 451)):
            db.session.execute(
                update(Delivery)
                .where(Delivery.registration_id == registration_id, Delivery.id.in_(newest))
                .values(state=state, reply_code=code)
            )
        db.session.execute(
            update(Invitation)
            .where(Invitation.registration_id == ids[4], Invitation.session_id == first().id)
            .values(revision=1)
        )
    found = holdings.holdings(first())
    assert (found.takes_part, found.up_to_date, found.not_up_to_date, found.on_their_way) == (5, 1, 4, 0)
    assert sorted(found.behind) == [(0, DeliveryState.FAILED, 1), (0, DeliveryState.WAITING, 3)]
    assert found.by_revision() == {0: 4}
    assert found.by_mail(DeliveryState.FAILED) == 1
    page = holdings.page(first(), 1, total=4)
    assert [(one.name, one.held.revision, one.held.mail, one.held.reply_code) for one in page.people] == [
        ("person0", 0, DeliveryState.FAILED, 550),
        ("person1", 0, DeliveryState.WAITING, 451),
        ("person2", 0, DeliveryState.WAITING, None),
        ("person3", 0, DeliveryState.WAITING, None),
    ]


def test_who_is_listed_as_behind_is_counted(now: datetime) -> None:
    """One whose last mail failed has to be told, even where the session stands as they know it."""
    failed, _other = (take_part_by_rule(f"person{number}@example.org", now=now) for number in range(2))
    with writing():
        db.session.execute(
            update(Delivery)
            .where(Delivery.registration_id == failed, Delivery.session_id == first().id)
            .values(state=DeliveryState.FAILED, due_at=now + MINUTE)
        )
    assert len(db.session.execute(notices.behind(first())).all()) == 1
    assert holdings.count_behind(first()) == 1
    lines = holdings.lines(event_named(SLUG), now=now)
    assert [(one.session.slug, one.behind) for one in lines] == [("human-rights", 1), ("civil-society", 0)]


@SQLITE
def test_who_no_longer_wants_invitations_is_told_with_the_next_change(now: datetime) -> None:
    registration_id = take_part_by_rule(now=now)
    with writing():
        registration(registration_id).invitations = False
    assert (told(now), notices.tellings(first()), holdings.count_behind(first())) == ([], [], 0)
    assert told(now, **moved(HOUR)) == [(frozenset({Change.MOVED}), 1, 0, {"en": 1})]


def test_those_whose_first_mail_is_on_its_way_hold_nothing_old(now: datetime) -> None:
    registration_id = take_part_by_rule(now=now)
    with writing():
        held = db.session.scalars(select(Invitation).where(Invitation.registration_id == registration_id)).all()
        for one in held:
            one.standing, one.revision = Standing.NONE, None
    found = holdings.holdings(first())
    assert (found.takes_part, found.up_to_date, found.not_up_to_date, found.on_their_way) == (1, 0, 1, 0)
    assert found.by_revision() == {None: 1}
    with writing():
        event_named(SLUG).invitations = False
    found = holdings.holdings(first())
    assert (found.takes_part, found.up_to_date, found.not_up_to_date, found.on_their_way) == (1, 0, 0, 1)


@SQLITE
def test_the_list_of_those_behind_comes_in_pages(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holdings, "PAGE_ROWS", 2)
    for number in range(5):
        take_part_by_rule(f"person{number}@example.org", now=now)
    edit(now, **moved(HOUR))
    pages = [holdings.page(first(), number, total=5) for number in (0, 1, 2, 3, 99)]
    assert [(one.number, one.pages, [person.name for person in one.people]) for one in pages] == [
        (1, 3, ["person0", "person1"]),
        (1, 3, ["person0", "person1"]),
        (2, 3, ["person2", "person3"]),
        (3, 3, ["person4"]),
        (3, 3, ["person4"]),
    ]


@SQLITE
def test_what_a_past_revision_lacks(now: datetime) -> None:
    edit(now, **moved(HOUR), title={"en": "Opening"})
    edit(now, urls={"live-floor": "https://webtv.un.org/live"})
    edit(now, state=SessionState.CANCELLED)
    session = first()
    lacks = [holdings.differences(one, session) for one in session.revisions]
    assert lacks == [
        [Change.CANCELLED, Change.MOVED, Change.RENAMED, Change.RELINKED],
        [Change.CANCELLED, Change.RELINKED],
        [Change.CANCELLED],
        [],
    ]
    assert db.session.scalar(select(func.count()).select_from(SessionRevision)) == 2 + 3


def test_lines_count_each_session(now: datetime) -> None:
    take_part_by_rule("amina@example.org", now=now)
    take_part_by_rule("bo@example.org", sessions=["civil-society"], now=now)
    edit(now, **moved(HOUR))
    lines = holdings.lines(event_named(SLUG), now=now)
    assert [(one.session.slug, one.takes_part, one.behind, one.to_tell.people, one.to_tell.at) for one in lines] == [
        ("human-rights", 1, 1, 1, now + 10 * MINUTE),
        ("civil-society", 2, 0, 0, None),
    ]
