"""Mails for one category at risk of several: neither that somebody was owed one nor that a group is empty tells who is
in which."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from flask import Flask

from registration.extensions import db, writing
from registration.models import Category, Delivery, Event, ReminderRule
from registration.models.organizer import Role
from tests.support.announcements import ALL, FORM, announce, button, leave
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import DAY, FIRST_START, SLUG, change, load_dialogue, work
from tests.support.organizers import DESK, LIST, add_person, at_desk, unmask
from tests.support.smtp import MailServer

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

RULE = f"{DESK}reminders/day-before/"
RULE_FORM = f"form[action='{RULE}']"
NARROWED = "You do not see for which category at risk this is: leave whom it is for, or write a new one."
CANNOT_SEE = [Role.EXPORTER, Role.EDITOR, Role.REVIEWER]


@dataclass
class People:
    """Two of two categories at risk, each masked; `mails`: of Amina, the announcement's and the reminder's delivery."""

    amina: str
    vera: str
    mails: list[int]


@pytest.fixture
def people(app: Flask, clock: FakeClock, smtp: MailServer) -> People:
    """What an owner who sees more wrote to the first category has left, and so has its reminder."""
    load_dialogue(app)
    with app.app_context():
        at_risk = db.session.query(Category).filter_by(at_risk=True).order_by(Category.position)
        first, second = [one.slug for one in at_risk][:2]
        amina = add_person("Amina", first, sessions=("human-rights",), language="ar")
        vera = add_person("Vera", second, sessions=("human-rights",), language="ru")
        with writing():
            db.session.query(ReminderRule).filter_by(slug="day-before").one().categories = [first]
    change(app, Event, SLUG)
    announce(unmask(at_desk(app, Role.OWNER, address="owner@example.org")), categories=[first])
    leave(app, clock)
    clock.move_to(FIRST_START - DAY)
    work(app)
    with app.app_context():
        mails = db.session.query(Delivery.id).filter(Delivery.kind.in_(["announcement", "reminder"]))
        return People(amina, vera, [number for (number,) in mails.order_by(Delivery.id)])


def mails_on(desk: Client, person: str) -> list[str]:
    return desk.page(f"{LIST}{person}/").texts("#mails ~ table tbody th")


@pytest.mark.parametrize("role", CANNOT_SEE)
def test_a_masked_persons_mails_do_not_tell_for_whom_they_were(app: Flask, people: People, role: Role) -> None:
    desk = at_desk(app, role)
    assert [mails_on(desk, one) for one in (people.amina, people.vera)] == [[], []]


def test_whoever_sees_the_category_sees_its_mails(app: Flask, people: People) -> None:
    owner = at_desk(app, Role.OWNER)
    assert mails_on(owner, people.amina) == []
    assert mails_on(unmask(owner), people.amina) == [
        "Reminder of Opening session and discussion", "Announcement: The doors",
    ]  # fmt: skip
    assert mails_on(owner, people.vera) == []


def test_what_is_not_shown_is_not_sent_again_either(app: Flask, people: People) -> None:
    desk = at_desk(app, Role.EDITOR)
    token = desk.page(f"{LIST}{people.amina}/").form("form[action$='/sign-out/']").values["csrf_token"]
    statuses = {
        desk.post(f"{LIST}{person}/mails/{number}/again", data={"csrf_token": token}).status_code
        for person in (people.amina, people.vera)
        for number in (*people.mails, 999_999)
    }
    assert statuses == {404}


@pytest.mark.usefixtures("people")
def test_nobody_narrows_a_group_whose_category_they_do_not_see(app: Flask) -> None:
    """Sent to Arabic alone it would leave, to Russian alone there would be nobody: that is who is who."""
    editor = at_desk(app, Role.EDITOR)
    draft = editor.submit(button(editor.page(f"{ALL}1/"), "Write another from this"))
    for changed in ({"languages": ["ar"]}, {"sessions": ["human-rights"]}, {"states": ["in_review"]}):
        assert editor.submit(draft.form(FORM), 422, **changed).error_of("categories").endswith(NARROWED)
    assert editor.submit(draft.form(FORM), subject_en="Other words").texts(".notice") == ["Saved as a draft."]
    page = editor.page(RULE)
    narrower = ({"languages": ["ar"]}, {"sessions": ["human-rights"]})
    for changed in (*narrower, {"categories": []}, {"categories": ["youth"]}):
        assert editor.submit(page.form(RULE_FORM), 422, **changed).error_of("categories").endswith(NARROWED)
    assert editor.submit(page.form(RULE_FORM), minutes_before="2").texts(".notice")[0] == "Saved."


def test_what_a_rule_was_for_when_its_mails_were_made_counts(app: Flask, people: People) -> None:
    """Widened afterwards by somebody who sees more, it tells no more than before."""
    owner = unmask(at_desk(app, Role.OWNER))
    owner.submit(owner.page(RULE).form(RULE_FORM), categories=[])
    work(app)
    with app.app_context():
        reminded = db.session.query(Delivery.registration_id).filter(Delivery.kind == "reminder").all()
    assert len(reminded) == 2
    desk = at_desk(app, Role.EDITOR)
    assert [mails_on(desk, one) for one in (people.amina, people.vera)] == [[], []]


@pytest.mark.parametrize("role", [Role.OWNER, Role.REVIEWER])
def test_after_one_look_what_is_shown_has_no_button_that_is_refused(app: Flask, people: People, role: Role) -> None:
    desk = at_desk(app, role)
    page = desk.submit(desk.page(f"{LIST}{people.amina}/").form("form[action$='/category']"), why="To decide")
    assert len(page.texts("#mails ~ table tbody th")) == 2
    assert page.all("form[action$='/again']") == []


@pytest.mark.usefixtures("people")
def test_whoever_sees_the_category_narrows_it(app: Flask) -> None:
    owner = unmask(at_desk(app, Role.OWNER))
    draft = owner.submit(button(owner.page(f"{ALL}1/"), "Write another from this"))
    assert owner.submit(draft.form(FORM), languages=["ar"]).texts(".notice") == ["Saved as a draft."]
