"""Mail that is due and does not leave is loud: at the desk and in the worker's log; an event's page has the numbers."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from registration import sweeping
from registration.domain import outbox, owing
from registration.extensions import db, writing
from registration.models import Submission
from registration.models.delivery import DeliveryKind
from registration.models.organizer import Role
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import (
    AMINA,
    DAY,
    EVENT,
    FIRST_START,
    MINUTE,
    REGISTER,
    answers,
    load_dialogue,
    registration,
    sign_up,
    take_part_by_rule,
    work,
)
from tests.support.organizers import DESK, EXPORT, LIST, add_person, at_desk
from tests.support.pages import Page
from tests.support.smtp import MailServer

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HOME = "/organizer/"
SESSION = f"{DESK}sessions/human-rights/"
LATE = 3 * MINUTE
TITLE = (
    "Virtual Dialogue with Human Rights and Civil Society Partners on Building a Better Paradigm to Prevent and "
    "Counter Terrorism"
)


@pytest.fixture(autouse=True)
def _dialogue(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    load_dialogue(app)
    monkeypatch.setattr(sweeping._Alarm, "sounded_at", None)


def alarms(page: Page) -> list[str]:
    return page.texts("main > .alarm[role=alert]")


def fact(page: Page, term: str) -> str | None:
    return dict(zip(page.texts(".facts dt"), page.texts(".facts dd"), strict=True)).get(term)


def test_overdue_mail_is_told_on_every_page_of_the_desk(app: Flask, client: Client, clock: FakeClock) -> None:
    desk = at_desk(app, Role.OWNER)
    sign_up(client)
    clock.advance(2 * MINUTE)
    assert alarms(desk.page(HOME)) == []
    clock.advance(MINUTE)
    told = (
        "Mail does not leave in time. 1 mail has been due for more than 2 minutes and is not sent. The oldest was due "
        "Monday, 2 March 2026, 15:00 (UTC). Most likely no worker is running, or the mail server cannot be reached. "
        "Ask whoever runs this service to start a worker: flask --app wsgi worker If one is running, this says where "
        "mail gets stuck: flask --app wsgi mail check ADDRESS"
    )
    for path in (HOME, DESK, LIST, EXPORT, f"{DESK}sessions/", SESSION):
        assert (path, alarms(desk.page(path))) == (path, [told])
    work(app)
    assert alarms(desk.page(HOME)) == []


@SQLITE
def test_an_organizer_of_any_event_sees_it_and_nobody_else(app: Flask, client: Client, clock: FakeClock) -> None:
    desk = at_desk(app, Role.VIEWER, event=None)
    sign_up(client)
    clock.advance(LATE)
    (told,) = alarms(desk.page(HOME))
    assert told.startswith("Mail does not leave in time. The oldest was due Monday")
    assert alarms(client.page("/organizer/sign-in/")) == []
    assert "Mail does not leave" not in client.page(EVENT).text


def test_it_names_the_mail_server_where_that_refuses(
    app: Flask, client: Client, smtp: MailServer, clock: FakeClock
) -> None:
    desk = at_desk(app, Role.OWNER)
    sign_up(client)
    smtp.replies[AMINA] = "451 4.3.0 Later"
    work(app)
    clock.advance(LATE)
    page = desk.page(HOME)
    assert alarms(page) == [
        "Mail does not leave in time. 1 mail has been due for more than 2 minutes and is not sent. The oldest was due "
        "Monday, 2 March 2026, 15:00 (UTC). Refused for now by their mail servers, and tried again by themselves: "
        f"1 mail to 1 person. To whom: {TITLE} If this lasts, whoever runs this service can ask the mail server why: "
        "flask --app wsgi mail check ADDRESS"
    ]
    sign_up(client, address="other@example.org")
    clock.advance(LATE)
    (told,) = alarms(desk.page(HOME))
    assert "1 mail to 1 person." in told
    assert "1 other mail does not leave at all. Most likely no worker is running" in told


def test_it_leads_to_those_whose_mail_is_refused_who_may_see_them(
    app: Flask, smtp: MailServer, clock: FakeClock
) -> None:
    with app.app_context():
        take_part_by_rule(now=clock.now)
        add_person("Bo")
        with writing():
            owing.owe(registration(1), DeliveryKind.LINK, now=clock.now)
    smtp.replies[AMINA] = "451 4.3.0 Later"
    work(app)
    clock.advance(LATE)
    reviewer, viewer = at_desk(app, Role.REVIEWER), at_desk(app, Role.VIEWER)
    found = reviewer.page(reviewer.page(HOME).link(f"To whom: {TITLE}"))
    assert found.texts("tbody th") == ["amina"]
    assert sorted(reviewer.page(LIST).texts("tbody th")) == ["Bo", "amina"]
    assert viewer.page(HOME).all(".alarm a") == []


@SQLITE
def test_it_says_that_a_worker_is_busy(app: Flask, client: Client, clock: FakeClock) -> None:
    desk = at_desk(app, Role.OWNER)
    sign_up(client)
    clock.advance(LATE)
    with app.app_context(), writing():
        outbox.claim(owner="one", limit=5, now=clock.now)
    (told,) = alarms(desk.page(HOME))
    assert "A worker is sending; more is due than it can send in time." in told


def test_reminders_that_nobody_makes_are_told_too(app: Flask, clock: FakeClock) -> None:
    with app.app_context():
        take_part_by_rule(now=clock.now)
    clock.move_to(FIRST_START - DAY + LATE)
    (told,) = alarms(at_desk(app, Role.OWNER).page(HOME))
    assert "1 round of reminders has not been made. The oldest was due Monday, 25 May 2026, 14:00 (UTC)." in told


def test_forms_that_nobody_answers_are_told_too(app: Flask, client: Client, clock: FakeClock) -> None:
    desk = at_desk(app, Role.OWNER)
    client.post(f"{REGISTER}youth/", data=answers())
    clock.advance(LATE)
    (told,) = alarms(desk.page(HOME))
    assert "1 sign-up or request for a link waits for its answer." in told
    assert "Most likely no worker is running" in told
    with app.app_context(), writing():
        db.session.execute(update(Submission).values(sealed=b"k1:nothing"))
    work(app)
    (told,) = alarms(desk.page(HOME))
    assert "A worker has tried and cannot answer. Its log says why" in told


def test_an_events_page_has_its_mails_in_numbers(app: Flask, client: Client, clock: FakeClock) -> None:
    desk = at_desk(app, Role.EDITOR)
    sign_up(client)
    clock.advance(timedelta(minutes=12))
    page = desk.page(DESK)
    assert {term: fact(page, term) for term in ("Sent", "Due now", "To be tried again", "The oldest that is due")} == {
        "Sent": "0",
        "Due now": "1",
        "To be tried again": "0",
        "The oldest that is due": "12 minutes, Monday, 2 March 2026, 10:00 (New York, UTC−5)",
    }
    work(app)
    page = desk.page(DESK)
    assert (fact(page, "Sent"), fact(page, "Due now"), fact(page, "The oldest that is due")) == ("1", "0", None)


def test_the_worker_logs_it_once_a_minute_and_names_nobody(
    app: Flask, client: Client, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    sign_up(client)

    def logged() -> list[tuple[int, str]]:
        caplog.clear()
        with app.app_context():
            sweeping.sweep()
        return [(one.levelno, one.getMessage()) for one in caplog.records]

    line = (
        "due for more than 2 minutes and not sent: 1 mails, 0 rounds of reminders, 0 answers to forms, "
        "since 2026-03-02T15:00:00Z (silent)"
    )
    found = [logged()]
    for wait in (LATE, timedelta(seconds=59), timedelta(seconds=1)):
        clock.advance(wait)
        found.append(logged())
    assert found == [[], [(logging.ERROR, line)], [], [(logging.ERROR, line)]]
    work(app)
    clock.advance(LATE)
    assert logged() == []
