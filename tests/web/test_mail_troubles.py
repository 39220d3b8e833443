"""Mails of a reminder or an announcement that reached nobody: told with the reason, and sent again."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import update

from registration.domain.mail_troubles import SHOWN
from registration.extensions import db, writing
from registration.models import Delivery, ReminderRule
from registration.models.delivery import DeliveryKind, DeliveryState
from registration.models.organizer import Role
from tests.support.announcements import add, announce, button, leave
from tests.support.clock import FakeClock
from tests.support.dialogue import DAY, FIRST_START, MINUTE, change, load_dialogue, work
from tests.support.organizers import DESK, at_desk, unmask
from tests.support.pages import Page
from tests.support.smtp import MailServer

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
RULE = f"{DESK}reminders/day-before/"
AGAIN = "Send again to this 1"
AT = "25 May 2026, 10:00 UTC−4"
REFUSED = f"Refused for good: The mail server cannot carry what is in the mail (5.6.0). {AT}"
NO_MAILBOX = f"Refused for good: There is no such mailbox (5.1.1). {AT}"


@pytest.fixture(autouse=True)
def _dialogue(app: Flask, smtp: MailServer) -> None:
    """Three in the first session, of whom the mail servers take one."""
    load_dialogue(app)
    for name in ("Amina", "Bo", "Chi"):
        add(app, name, "youth", sessions=("human-rights",))
    smtp.replies["bo@example.org"] = "550 5.6.0 Unwanted"
    smtp.replies["chi@example.org"] = "550 5.1.1 Unknown"


def remind(app: Flask, clock: FakeClock) -> None:
    clock.move_to(FIRST_START - DAY)
    work(app)


def troubles(page: Page) -> list[str]:
    return sorted(page.texts("main h3 + ul li, section[aria-labelledby=troubles] li"))


def test_a_reminder_that_was_refused_is_told_and_sent_again_where_the_address_is_good(
    app: Flask, smtp: MailServer, clock: FakeClock
) -> None:
    remind(app, clock)
    desk = at_desk(app, Role.EDITOR)
    page = desk.page(RULE)
    assert troubles(page) == [f"Bo: {REFUSED}", f"Chi: {NO_MAILBOX}"]
    assert desk.page(page.link("Bo")).heading == "Bo"
    del smtp.replies["bo@example.org"]
    smtp.clear()
    page = desk.submit(button(page, AGAIN))
    assert page.texts(".notice[role]") == ["1 mail is sent again."]
    work(app)
    assert [mail.recipients for mail in smtp.mails] == [("bo@example.org",)]
    page = desk.page(RULE)
    assert troubles(page) == [f"Chi: {NO_MAILBOX}"]
    assert page.all("form[action$='human-rights/again']") == []
    clock.advance(MINUTE)
    work(app)
    assert len(smtp.mails) == 1


def test_an_announcement_tells_whom_it_has_not_reached_and_goes_to_them_again(
    app: Flask, smtp: MailServer, clock: FakeClock
) -> None:
    desk = at_desk(app, Role.EDITOR)
    announce(desk, subject_en="First")
    leave(app, clock)
    announce(desk)
    leave(app, clock)
    page = desk.page(desk.page(f"{DESK}announcements/").link("The doors"))
    assert [one.partition(".")[0] for one in troubles(page)] == [
        "Bo: Refused for good: The mail server cannot carry what is in the mail (5",
        "Chi: Not sent, for this address takes no mail",
    ]
    del smtp.replies["bo@example.org"]
    smtp.clear()
    desk.submit(button(page, AGAIN))
    work(app)
    assert [(mail.subject, mail.recipients) for mail in smtp.mails] == [("The doors", ("bo@example.org",))]


@SQLITE
@pytest.mark.parametrize(
    ("role", "names", "buttons"),
    [(Role.EDITOR, True, 1), (Role.EXPORTER, True, 0), (Role.VIEWER, False, 0)],
)
def test_names_and_the_button_are_for_those_who_may(
    app: Flask, clock: FakeClock, role: Role, names: bool, buttons: int
) -> None:
    remind(app, clock)
    page = at_desk(app, role).page(RULE)
    assert troubles(page) == ([f"Bo: {REFUSED}", f"Chi: {NO_MAILBOX}"] if names else [])
    assert len(page.all("form[action$='human-rights/again']")) == buttons


@SQLITE
def test_a_reminder_for_one_category_at_risk_tells_neither_whom_nor_how_many(app: Flask, clock: FakeClock) -> None:
    change(app, ReminderRule, "day-before", categories=["youth", "victims-survivors"])
    remind(app, clock)
    owner = at_desk(app, Role.OWNER)
    for desk in (at_desk(app, Role.EDITOR), at_desk(app, Role.REVIEWER), owner):
        page = desk.page(RULE)
        assert troubles(page) == []
        assert "How many people this is for is told to those alone who see the list" in page.text
        assert [page.texts(f"td[data-label='{one}']")[0] for one in ("People now", "Mails")] == ["–", "–"]
    assert troubles(unmask(owner).page(RULE)) == [f"Bo: {REFUSED}", f"Chi: {NO_MAILBOX}"]


@SQLITE
def test_what_is_sent_again_to_one_category_at_risk_is_not_counted(app: Flask, clock: FakeClock) -> None:
    remind(app, clock)
    editor = at_desk(app, Role.EDITOR)
    form = button(editor.page(RULE), AGAIN)
    change(app, ReminderRule, "day-before", categories=["youth", "victims-survivors"])
    assert editor.submit(form).texts(".notice[role]") == ["What can be sent again is sent again."]


@SQLITE
def test_of_many_the_newest_are_listed_and_how_many_more_there_are(app: Flask, clock: FakeClock) -> None:
    for number in range(SHOWN):
        add(app, f"p{number}", "youth", sessions=("human-rights",))
    remind(app, clock)
    with app.app_context(), writing():
        reminders = update(Delivery).where(Delivery.kind == DeliveryKind.REMINDER)
        db.session.execute(reminders.values(state=DeliveryState.BOUNCED))
    page = at_desk(app, Role.EDITOR).page(RULE)
    assert len(troubles(page)) == SHOWN
    assert "And 3 more." in page.texts("section[aria-labelledby=troubles] p")
    assert button(page, f"Send again to these {SHOWN + 2}")


@SQLITE
@pytest.mark.parametrize("why", ["paused", "too late"])
def test_what_is_not_to_be_sent_any_more_is_not_sent_again(app: Flask, clock: FakeClock, why: str) -> None:
    remind(app, clock)
    desk = at_desk(app, Role.EDITOR)
    form = button(desk.page(RULE), AGAIN)
    if why == "paused":
        change(app, ReminderRule, "day-before", paused=True)
        page = desk.submit(form)
        assert page.texts(".notice[role]") == ["None of these mails can be sent again now."]
    else:
        clock.move_to(FIRST_START - 15 * MINUTE)
        page = at_desk(app, Role.EDITOR).page(RULE)
    assert (len(troubles(page)), page.all("form[action$='human-rights/again']")) == (2, [])
