"""The organizer's events, each in numbers; who may open what."""

from __future__ import annotations

import pytest
from flask import Flask

from registration.domain import figures
from registration.domain.programme import event_named
from registration.extensions import db, writing
from registration.models import Category, Event
from registration.models.organizer import Role
from registration.models.registration import RegistrationState as State
from tests.support.dialogue import SLUG, change, load_dialogue
from tests.support.organizers import DESK, LIST, add_people, add_person, at_desk, unmask
from tests.support.pages import Page
from tests.web.test_organizer_attendees import counted_queries

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HOME = "/organizer/"
DECIDES = {Role.OWNER, Role.EDITOR, Role.REVIEWER}


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
    page = at_desk(app, Role.EDITOR).page(HOME)
    assert page.texts("tbody td") == ["Published", "2", "1", "0"]


@SQLITE
@pytest.mark.parametrize("role", Role)
def test_the_way_to_those_in_review_is_for_who_decides(app: Flask, role: Role) -> None:
    with app.app_context():
        add_people(30, state=State.IN_REVIEW)
    page = at_desk(app, role).page(DESK)
    assert page.texts(f".actions a[href='{LIST}?state=in_review']") == (["30 to review"] if role in DECIDES else [])


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
    desk = at_desk(app, Role.EDITOR)
    with app.app_context():
        add_people(2, captions=True)
    assert fact(desk.page(DESK), "Captions") == "2"
    with app.app_context():
        add_person("Amina", captions=True)
    page = desk.page(DESK)
    assert fact(page, "Needs") == "Not counted here for so many people; an export has them."
    assert "Captions" not in page.texts(".facts dt")


def test_numbers_name_categories_at_risk_to_owners_alone_who_have_said_why(app: Flask) -> None:
    with app.app_context():
        add_person("Amina", "victims-survivors")
        add_person("Bo", "human-rights")
    owner = at_desk(app, Role.OWNER)
    for page in (owner.page(DESK), at_desk(app, Role.EDITOR).page(DESK)):
        assert row(page, "Participant")["Confirmed"] == "2"
        assert "ictim" not in " ".join(page.texts("table"))
    assert row(unmask(owner).page(DESK), "Victim or survivor of terrorism")["Confirmed"] == "1"


@SQLITE
def test_numbers_stay_when_people_are_forgotten(app: Flask) -> None:
    kept = {"experts": {"confirmed": 5}, "victims-survivors": {"confirmed": 4}, "human-rights": {"confirmed": 3}}
    change(app, Event, SLUG, kept_numbers=kept)
    for role in (Role.VIEWER, Role.OWNER):
        page = at_desk(app, role).page(DESK)
        assert [row(page, "Expert")[state] for state in ("Confirmed", "Cancelled")] == ["5–9", "fewer than 5"]
        assert row(page, "Participant")["Confirmed"] == "5–9"
        assert page.all("#confirmed") == []


@SQLITE
def test_limited_places_of_the_event_are_told(app: Flask) -> None:
    change(app, Event, SLUG, places=50)
    change(app, Category, "youth", places=5)
    with app.app_context():
        add_people(3)
    page = at_desk(app, Role.EDITOR).page(DESK)
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


def _copy(event: Event, slug: str) -> None:
    """Add another event, otherwise alike."""
    columns = {one.key: getattr(event, one.key) for one in Event.__table__.columns if one.key not in ("id", "slug")}
    db.session.add(Event(slug=slug, **columns))
