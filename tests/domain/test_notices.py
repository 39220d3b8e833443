"""Telling people of changes: whom, what, once; and who has not got it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from registration.domain import invitations, notices, outbox, revisions
from registration.domain.crowds import make_crowd
from registration.domain.facts import Change
from registration.domain.notices import Telling
from registration.domain.outbox import Outcome
from registration.domain.programme import event_named
from registration.extensions import db, writing
from registration.models import Delivery, EventSession, Invitation
from registration.models.delivery import DeliveryKind as Kind
from registration.models.delivery import DeliveryState
from registration.models.invitation import Standing
from registration.models.programme import SessionState
from tests.support.dialogue import DAY, MINUTE, SLUG, load_dialogue, take_part_by_rule, tell_all

pytestmark = pytest.mark.usefixtures("_dialogue", "context")


@pytest.fixture
def _dialogue(app: Flask) -> None:
    load_dialogue(app, invitations=True)


def session(slug: str = "human-rights") -> EventSession:
    return db.session.execute(select(EventSession).where(EventSession.slug == slug)).scalar_one()


def move(by: timedelta, *, now: datetime) -> None:
    with writing():
        moved = session()
        moved.starts_at += by
        moved.ends_at += by
        revisions.revise(moved, now=now)


def make(*, now: datetime) -> int:
    with writing():
        return tell_all(now=now)


def owed_to(kind: Kind = Kind.INVITATION) -> list[int]:
    query = select(Delivery.registration_id).where(Delivery.kind == kind, Delivery.state == DeliveryState.WAITING)
    return sorted(db.session.execute(query).scalars())


def settle_all(outcome: Outcome, *, now: datetime) -> None:
    """Let a worker try every mail that waits, with one outcome."""
    with writing():
        mails = outbox.claim(owner="one", limit=100, now=now)
    for ids in mails:
        with writing():
            [delivery] = [db.session.get_one(Delivery, one) for one in ids]
            held = db.session.execute(
                select(Invitation).where(
                    Invitation.registration_id == delivery.registration_id,
                    Invitation.session_id == delivery.session_id,
                )
            ).scalar_one()
            notice = invitations.notice_for(held)
            outbox.settle(ids, outcome, owner="one", now=now)
            if outcome.sent and notice:
                invitations.note([invitations.told_by(notice, held)], now=now)


def test_those_who_take_part_are_owed_a_notice_when_its_time_has_come(now: datetime) -> None:
    amina = take_part_by_rule("amina@example.org", now=now)
    take_part_by_rule("bruno@example.org", now=now, sessions=["civil-society"])
    move(DAY, now=now)
    assert (make(now=now + 9 * MINUTE), owed_to()) == (0, [])
    assert (make(now=now + 10 * MINUTE), owed_to()) == (1, [amina])
    assert (make(now=now + 11 * MINUTE), owed_to()) == (0, [amina])


def test_the_preview_counts_who_is_told_what(now: datetime) -> None:
    take_part_by_rule("amina@example.org", now=now)
    take_part_by_rule("bruno@example.org", now=now, language="fr", discreet=True)
    with writing():
        changed = session()
        changed.starts_at += DAY
        changed.ends_at += DAY
        changed.title = {**changed.title, "en": "Another"}
        revisions.revise(changed, now=now)
    assert notices.tellings(session()) == [
        Telling(frozenset({Change.MOVED, Change.RENAMED}), Standing.INVITED, 1, 0, Counter({"en": 1})),
        Telling(frozenset({Change.MOVED}), Standing.INVITED, 1, 1, Counter({"fr": 1})),
    ]


def test_who_has_not_got_it_is_known_and_can_be_sent_it_again(now: datetime) -> None:
    take_part_by_rule("amina@example.org", now=now)
    move(DAY, now=now)
    make(now=now + 10 * MINUTE)
    assert behind() == [(0, DeliveryState.WAITING, None)]
    settle_all(Outcome(sent=False, code=550), now=now + 10 * MINUTE)
    assert behind() == [(0, DeliveryState.FAILED, 550)]
    with writing():
        notices.send_again(session(), now=now + 20 * MINUTE)
    assert behind() == [(0, DeliveryState.WAITING, None)]
    settle_all(Outcome(sent=True, code=250), now=now + 20 * MINUTE)
    assert behind() == []


def behind() -> list[tuple[int | None, DeliveryState | None, int | None]]:
    rows = db.session.execute(notices.behind(session())).all()
    db.session.rollback()
    return [(row.revision, row.state, row.reply_code) for row in rows]


def test_sending_again_hurries_what_waits_and_sends_nothing_twice(now: datetime) -> None:
    amina = take_part_by_rule("amina@example.org", now=now)
    move(DAY, now=now)
    make(now=now + 10 * MINUTE)
    settle_all(Outcome(sent=False), now=now + 10 * MINUTE)
    with writing():
        notices.send_again(session(), now=now + 10 * MINUTE)
    assert owed_to() == [amina]
    assert db.session.execute(select(Delivery.next_try_at).where(Delivery.kind == Kind.INVITATION)).scalars().all()[
        -1
    ] == (now + 10 * MINUTE)


def test_a_change_while_the_mail_is_on_its_way_owes_another(now: datetime) -> None:
    amina = take_part_by_rule("amina@example.org", now=now)
    move(DAY, now=now)
    make(now=now + 10 * MINUTE)
    with writing():
        [ids] = outbox.claim(owner="one", limit=10, now=now + 10 * MINUTE)
    held = db.session.execute(
        select(Invitation).join(EventSession).where(EventSession.slug == "human-rights")
    ).scalar_one()
    notice = invitations.notice_for(held)
    assert notice
    written = invitations.told_by(notice, held)
    move(DAY, now=now + 10 * MINUTE)
    make(now=now + 20 * MINUTE)
    with writing():
        outbox.settle(ids, Outcome(sent=True, code=250), owner="one", now=now + 20 * MINUTE)
        invitations.note([written], now=now + 20 * MINUTE)
    assert owed_to() == [amina]


def test_an_added_session_is_offered_once_to_those_who_were_there_before(now: datetime) -> None:
    amina = take_part_by_rule("amina@example.org", now=now)
    later = now + MINUTE
    with writing():
        event = event_named(SLUG)
        like = session()
        names = ("title", "theme", "description", "documents", "starts_wall", "ends_wall", "starts_at", "ends_at")
        new = EventSession(**{name: getattr(like, name) for name in names}, slug="third", code="third12345", revision=0)
        new.state, new.created_at, new.updated_at = SessionState.SCHEDULED, later, later
        event.sessions.append(new)
        revisions.add(new, now=later)
    take_part_by_rule("bruno@example.org", now=later + MINUTE)
    make(now=later + 10 * MINUTE)
    assert owed_to(Kind.ADDED) == [amina]
    with writing():
        revisions.revise(session("third"), now=later + DAY)
    make(now=later + 2 * DAY)
    assert owed_to(Kind.ADDED) == [amina]


def test_nothing_is_told_of_what_is_over(now: datetime) -> None:
    take_part_by_rule("amina@example.org", now=now)
    over = session().ends_at
    with writing():
        ended = session()
        ended.title = {"en": "Another"}
        revisions.revise(ended, now=over)
    make(now=over + 10 * MINUTE)
    assert owed_to() == []


def test_a_crowd_is_told_in_a_handful_of_statements(now: datetime) -> None:
    with writing():
        make_crowd(event_named(SLUG), 500, now=now)
    move(DAY, now=now)
    make(now=now + 10 * MINUTE)
    assert len(owed_to()) == 500
