"""The organizer's events, each in numbers; who may open what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from registration.domain import figures
from registration.domain.access import ALLOWED, Action
from registration.domain.programme import event_named
from registration.extensions import db, writing
from registration.models import Category, Event
from registration.models.organizer import Role
from registration.models.registration import RegistrationState as State
from registration.web.organizer.desk import OPEN_TO_ALL
from tests.support.client import Client
from tests.support.dialogue import SLUG, change, load_dialogue
from tests.support.organizers import DESK, EXPORT, LIST, add_people, add_person, at_desk
from tests.support.pages import Page
from tests.web.test_organizer_attendees import counted_queries

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HOME = "/organizer/"
GUARDED = {
    "organizer.event": Action.SEE_NUMBERS,
    "organizer.attendees": Action.SEE_LIST,
    "organizer.search": Action.SEE_LIST,
    "organizer.attendee": Action.SEE_LIST,
    "organizer.decide": Action.DECIDE,
    "organizer.decide_one": Action.DECIDE,
    "organizer.erase_page": Action.ERASE,
    "organizer.erase": Action.ERASE,
    "organizer.export": Action.EXPORT,
    "organizer.take": Action.EXPORT,
    "organizer.sessions": Action.SEE_NUMBERS,
    "organizer.session": Action.SEE_NUMBERS,
    "organizer.review_session": Action.EDIT_SESSIONS,
    "organizer.edit_session": Action.EDIT_SESSIONS,
    "organizer.tell_now": Action.EDIT_SESSIONS,
    "organizer.send_again": Action.EDIT_SESSIONS,
    "organizer.announcements": Action.SEE_NUMBERS,
    "organizer.announcement": Action.SEE_NUMBERS,
    "organizer.new_announcement": Action.EDIT_MAIL,
    "organizer.write_announcement": Action.EDIT_MAIL,
    "organizer.save_announcement": Action.EDIT_MAIL,
    "organizer.delete_announcement": Action.EDIT_MAIL,
    "organizer.copy_announcement": Action.EDIT_MAIL,
    "organizer.confirm_announcement": Action.EDIT_MAIL,
    "organizer.send_announcement": Action.EDIT_MAIL,
    "organizer.send_announcement_again": Action.SEND_AGAIN,
    "organizer.take_back_announcement": Action.EDIT_MAIL,
    "organizer.preview_announcement": Action.EDIT_MAIL,
    "organizer.preview_body": Action.EDIT_MAIL,
    "organizer.try_announcement": Action.EDIT_MAIL,
    "organizer.send_mail_again": Action.SEND_AGAIN,
    "organizer.write_again": Action.SEND_AGAIN,
    "organizer.reminders": Action.SEE_NUMBERS,
    "organizer.reminder": Action.SEE_NUMBERS,
    "organizer.new_reminder": Action.EDIT_MAIL,
    "organizer.add_reminder": Action.EDIT_MAIL,
    "organizer.edit_reminder": Action.EDIT_MAIL,
    "organizer.delete_reminder": Action.EDIT_MAIL,
    "organizer.pause_reminder": Action.EDIT_MAIL,
    "organizer.resume_reminder": Action.EDIT_MAIL,
    "organizer.preview_reminder": Action.EDIT_MAIL,
    "organizer.reminder_body": Action.EDIT_MAIL,
    "organizer.try_reminder": Action.EDIT_MAIL,
    "organizer.review_reminder": Action.EDIT_MAIL,
    "organizer.send_reminder": Action.EDIT_MAIL,
    "organizer.send_reminders_again": Action.SEND_AGAIN,
}
WITHOUT_EVENT = {"organizer.home", "organizer.sign_in", "organizer.sign_out", "organizer.password"}
PATHS: dict[Action, str] = {Action.SEE_NUMBERS: DESK, Action.SEE_LIST: LIST, Action.EXPORT: EXPORT}


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app)


def row(page: Page, heading: str) -> dict[str, str]:
    """{label: number} of the line with this heading."""
    found = [line for line in page.all("tr") if line.th and " ".join(line.th.get_text().split()) == heading]
    assert len(found) == 1, heading
    return {str(cell["data-label"]): cell.get_text().strip() for cell in found[0].select("[data-label]")}


def fact(page: Page, term: str) -> str:
    facts = dict(zip(page.texts(".facts dt"), page.texts(".facts dd"), strict=True))
    return facts[term]


def test_an_organizer_sees_the_events_of_the_account_with_their_numbers(app: Flask) -> None:
    with app.app_context():
        add_people(2)
        add_person("Amina", "experts", State.IN_REVIEW)
    page = at_desk(app, Role.VIEWER).page(HOME)
    assert page.texts("tbody td") == ["Published", "2", "1", "0"]


def test_an_account_without_an_event_sees_none(app: Flask) -> None:
    with app.app_context(), writing():
        event = event_named(SLUG)
        _copy(event, "another")
    page = at_desk(app, Role.OWNER, event="another").page(HOME)
    assert page.texts("tbody th .quiet") == ["another"]


def test_numbers_by_category_state_session_language_and_needs(app: Flask) -> None:
    with app.app_context():
        add_person("Amina", "experts", captions=True, sessions=("human-rights",), stream_language="es")
        add_person("Bo", "experts", State.IN_REVIEW, sign=True)
        add_person("Chi", "youth", sign=True, needs="Breaks", sessions=("human-rights", "civil-society"))
        add_person("Dan", "youth", State.UNVERIFIED)
    page = at_desk(app, Role.OWNER).page(DESK)
    assert row(page, "Expert") | {"Address not confirmed": "0"} == {
        "Address not confirmed": "0",
        "In review": "1",
        "Waiting": "0",
        "Confirmed": "1",
        "Declined": "0",
        "Cancelled": "0",
        "Places held": "2 of 200",
    }
    assert row(page, "All")["Address not confirmed"] == "1"
    assert row(page, "All")["Places held"] == "3"
    assert [fact(page, name) for name in ("Captions", "International Sign", "Other needs")] == ["1", "1", "1"]
    assert fact(page, "Language of the stream") == "Español: 1 · Floor (as spoken): 1"
    assert page.texts(".facts dd")[:2] == ["2", "1"]


@SQLITE
def test_needs_of_very_many_are_left_to_an_export(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "MOST_OPENED", 2)
    desk = at_desk(app, Role.VIEWER)
    with app.app_context():
        add_people(2, captions=True)
    assert fact(desk.page(DESK), "Captions") == "2"
    with app.app_context():
        add_person("Amina", captions=True)
    page = desk.page(DESK)
    assert fact(page, "Needs") == "Not counted here for so many people; an export has them."
    assert "Captions" not in page.texts(".facts dt")


def test_numbers_name_categories_at_risk_to_owners_alone(app: Flask) -> None:
    with app.app_context():
        add_person("Amina", "victims-survivors")
        add_person("Bo", "human-rights")
    page = at_desk(app, Role.VIEWER).page(DESK)
    assert row(page, "Participant")["Confirmed"] == "2"
    assert "ictim" not in " ".join(page.texts("table"))
    assert row(at_desk(app, Role.OWNER).page(DESK), "Victim or survivor of terrorism")["Confirmed"] == "1"


@SQLITE
def test_numbers_stay_when_people_are_forgotten(app: Flask) -> None:
    change(app, Event, SLUG, kept_numbers={"experts": {"confirmed": 7, "cancelled": 1}})
    page = at_desk(app, Role.VIEWER).page(DESK)
    assert [row(page, "Expert")[state] for state in ("Confirmed", "Cancelled")] == ["7", "1"]


@SQLITE
def test_limited_places_of_the_event_are_told(app: Flask) -> None:
    change(app, Event, SLUG, places=50)
    change(app, Category, "youth", places=5)
    with app.app_context():
        add_people(3)
    page = at_desk(app, Role.VIEWER).page(DESK)
    assert (row(page, "Youth")["Places held"], row(page, "All")["Places held"]) == ("3 of 5", "3 of 50")


def test_pages_ask_the_database_as_often_for_many_as_for_few(app: Flask) -> None:
    desk = at_desk(app, Role.OWNER)
    with app.app_context():
        add_person("Amina", sessions=("human-rights",))
    desk.page(HOME)
    with counted_queries(app) as few:
        desk.page(HOME)
        desk.page(DESK)
    with app.app_context():
        add_people(30, sessions=("human-rights", "civil-society"))
        with writing():
            for number in range(5):
                _copy(event_named(SLUG), f"copy-{number}")
    with counted_queries(app) as many:
        desk.page(HOME)
        desk.page(DESK)
    assert len(many) == len(few)


@SQLITE
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", PATHS)
def test_each_role_opens_what_the_table_allows(app: Flask, role: Role, action: Action) -> None:
    status = 200 if role in ALLOWED[action] else 403
    assert at_desk(app, role).get(PATHS[action]).status_code == status


@SQLITE
@pytest.mark.parametrize("role", Role)
def test_each_role_is_shown_the_ways_it_may_go(app: Flask, role: Role) -> None:
    links = set(at_desk(app, role).page(DESK).texts(".actions a"))
    ways = {
        "Attendees": Action.SEE_LIST,
        "Sessions": Action.SEE_NUMBERS,
        "Announcements": Action.SEE_NUMBERS,
        "Reminders": Action.SEE_NUMBERS,
        "Export the list": Action.EXPORT,
    }
    assert links == {name for name, action in ways.items() if role in ALLOWED[action]}


@SQLITE
@pytest.mark.parametrize(
    "send",
    [
        pytest.param(lambda desk, token: desk.post(f"{LIST}decide", data={"csrf_token": token}), id="decide"),
        pytest.param(lambda desk, token: desk.post(f"{LIST}{'A' * 22}/", data={"csrf_token": token}), id="decide one"),
        pytest.param(lambda desk, token: desk.post(EXPORT, data={"csrf_token": token}), id="export"),
        pytest.param(lambda desk, token: desk.post(f"{LIST}search", data={"csrf_token": token}), id="search"),
    ],
)
def test_a_viewer_cannot_send_what_others_may(app: Flask, send: Callable[[Client, str], Any]) -> None:
    desk = at_desk(app, Role.VIEWER)
    token = str(desk.page(HOME).one("header [name=csrf_token]")["value"])
    assert send(desk, token).status_code == 403


@SQLITE
@pytest.mark.parametrize("path", [DESK, LIST, EXPORT, f"{LIST}{'A' * 22}/"])
def test_another_event_looks_as_if_it_were_not_there(app: Flask, path: str) -> None:
    with app.app_context(), writing():
        _copy(event_named(SLUG), "another")
    desk = at_desk(app, Role.OWNER, event="another")
    missing = desk.get(path.replace(SLUG, "no-such-event"))
    other = desk.get(path)
    assert (other.status_code, other.get_data()) == (404, missing.get_data())


@SQLITE
@pytest.mark.parametrize("path", [HOME, DESK, LIST, EXPORT, "/organizer/events/no-such-event/"])
def test_who_is_signed_out_is_sent_to_sign_in(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/organizer/sign-in/?next=")


@SQLITE
def test_every_page_of_the_desk_has_its_guard(app: Flask) -> None:
    views = {name: view for name, view in app.view_functions.items() if name.startswith("organizer.")}
    assert {name: getattr(view, "action", None) for name, view in views.items()} == {
        **GUARDED,
        **dict.fromkeys(WITHOUT_EVENT),
    }
    assert {"organizer.sign_in", "organizer.password"} == OPEN_TO_ALL


def _copy(event: Event, slug: str) -> None:
    """Add another event, otherwise alike."""
    columns = {one.key: getattr(event, one.key) for one in Event.__table__.columns if one.key not in ("id", "slug")}
    db.session.add(Event(slug=slug, **columns))
