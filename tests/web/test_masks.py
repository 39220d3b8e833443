"""Who sees which category at risk, which name for vetting and which small number, on every page of the desk."""

from __future__ import annotations

import logging
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from registration.domain import accounts, owing, unmasking
from registration.domain.desk_sessions import FRESH_TIME
from registration.domain.programme import event_named
from registration.extensions import db, writing
from registration.models import Category, Event, OrganizerSession, Registration, ReminderRule, Unmasking
from registration.models.delivery import DeliveryKind
from registration.models.organizer import Role
from registration.models.registration import RegistrationState as State
from registration.models.unmasking import Sight
from tests.support.access_matrix import OF_AN_EVENT
from tests.support.announcements import ALL, announce
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import MINUTE, SLUG, change, load_dialogue
from tests.support.organizers import (
    DESK,
    EXPORT,
    LIST,
    PASSWORD,
    add_people,
    add_person,
    at_desk,
    make_organizer,
    set_password,
    unmask,
)
from tests.support.pages import Page

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LABEL, SECRET, ANSWER = "Marked-label", "Marked-vetting-name", "Marked-answer"
MARKS = (LABEL, SECRET, ANSWER, "human-rights-defenders")
HOME = "/organizer/"
WHY = "To decide on her place"
SEES_LIST = {Role.OWNER, Role.EDITOR, Role.REVIEWER, Role.EXPORTER}
REVIEWS = {Role.OWNER, Role.REVIEWER}


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app)
    with app.app_context(), writing():
        category = db.session.query(Category).filter_by(slug="human-rights").one()
        category.slug, category.label = "human-rights-defenders", {"en": LABEL}
    change(app, Event, SLUG)


@pytest.fixture
def person(app: Flask) -> str:
    """Somebody at risk who is in review."""
    with app.app_context():
        return add_person(
            "Amina",
            "human-rights-defenders",
            sessions=("human-rights",),
            answers={"work": ANSWER},
            vetting_name=SECRET,
        )


def paths(app: Flask, person: str) -> list[str]:
    """Every page of the desk that can be asked for, about the person where it is about one."""
    ids = {"event": SLUG, "person": person, "session": "human-rights", "rule": "day-before", "draft": 1}
    found = []
    for row in (row for row in OF_AN_EVENT if row.method == "GET"):
        path = row.path.format(**ids)
        found += [path, f"{path}?person={person}"] if "preview" in path else [path]
    return [*found, f"{LIST}?order=name", f"{LIST}?category=participant", f"{LIST}?state=confirmed"]


def seen_by(desk: Client, found: list[str]) -> set[tuple[str, str]]:
    """(mark, path) wherever one of the marks stands in the answer or the address that follows."""
    seen, statuses = set(), Counter[int]()
    for path in found:
        answer = FlaskClient.open(desk, desk.public_url + path, follow_redirects=True)  # Mails are no pages of ours.
        seen |= {(mark, path) for mark in MARKS if mark in answer.get_data(as_text=True) or mark in answer.request.url}
        statuses[answer.status_code] += 1
    assert statuses[200] >= 5
    assert statuses[404] == 0
    return seen


def look(desk: Client, person: str, what: str, status: int = 200, why: str = WHY) -> Page:
    """Press one of the buttons of a person's page."""
    form = desk.page(f"{LIST}{person}/").form("form.look")
    form.action = str(form.page.one(f"form.look [formaction$='{what}']")["formaction"])
    return desk.submit(form, status, why=why)


def book(desk: Client) -> list[list[str]]:
    """The lines of the book of looks."""
    lines = desk.page(DESK).all("#looks ~ table tbody tr")
    return [[" ".join(cell.get_text().split()) for cell in line("td")] for line in lines]


@SQLITE
@pytest.mark.parametrize("role", Role)
def test_no_page_names_who_is_at_risk_unless_asked_with_a_reason(app: Flask, person: str, role: Role) -> None:
    """Draft, rule and mails are for this one category; only public pages may name it, none of the desk's."""
    change(app, ReminderRule, "day-before", categories=["human-rights-defenders"])
    owner = unmask(at_desk(app, Role.OWNER, address="first@example.org"))
    announce(owner, categories=["human-rights-defenders"])
    with app.app_context(), writing():
        owing.owe(db.session.query(Registration).one(), DeliveryKind.LINK, now=db.session.query(Unmasking).one().at)
    desk = at_desk(app, role)
    assert seen_by(desk, [one for one in paths(app, person) if one != EXPORT]) == set()
    exported = desk.get(EXPORT)
    assert [mark for mark in MARKS if mark in exported.get_data(as_text=True)] == []


@SQLITE
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(("what", "mark"), [("category", ANSWER), ("vetting-name", SECRET)])
def test_a_look_shows_one_thing_once_to_those_who_review(
    app: Flask, person: str, role: Role, what: str, mark: str
) -> None:
    desk = at_desk(app, role)
    if role not in REVIEWS:
        token = str(desk.page("/organizer/").one("header [name=csrf_token]")["value"])
        answer = desk.post(f"{LIST}{person}/{what}", data={"csrf_token": token, "why": WHY})
        assert (answer.status_code, mark in answer.get_data(as_text=True)) == (403, False)
        return
    page = look(desk, person, what)
    assert [one for one in (SECRET, ANSWER) if one in page.text] == [mark]
    assert page.response.headers["Cache-Control"] == "no-store"
    assert mark not in desk.page(f"{LIST}{person}/").text
    what_is_told = {"category": "Category at risk", "vetting-name": "Name for vetting"}[what]
    assert book(desk) == [[f"{role}@example.org", WHY, what_is_told, person]]


@SQLITE
@pytest.mark.parametrize("why", ["", "  ", "x" * 501])
@pytest.mark.parametrize("what", ["category", "vetting-name"])
def test_without_a_reason_nothing_is_shown_and_nothing_written(app: Flask, person: str, what: str, why: str) -> None:
    desk = at_desk(app, Role.REVIEWER)
    page = look(desk, person, what, 422, why)
    assert [mark for mark in MARKS if mark in page.text] == []
    assert page.error_of("why")
    assert book(desk) == []


@SQLITE
def test_a_look_is_asked_for_by_post_alone(app: Flask, person: str) -> None:
    desk = at_desk(app, Role.OWNER)
    paths = [f"{LIST}{person}/category", f"{LIST}{person}/vetting-name", f"{LIST}unmask"]
    assert [desk.get(path, follow_redirects=True).status_code for path in paths] == [405, 405, 404]
    assert [desk.post(path, data={"why": WHY}).status_code for path in paths] == [400, 400, 400]


@SQLITE
def test_the_list_is_named_to_one_browser_for_a_quarter_of_an_hour(app: Flask, clock: FakeClock, person: str) -> None:
    owner, same = at_desk(app, Role.OWNER), at_desk(app, Role.OWNER)
    page = owner.submit(owner.page(LIST).form("form[action$=unmask]"), why=WHY)
    assert page.texts("td[data-label=Category]") == [LABEL]
    assert LABEL not in " ".join(same.page(LIST).texts("table"))
    assert book(owner) == [["owner@example.org", WHY, "The list, with categories at risk", "–"]]
    clock.advance(timedelta(minutes=14, seconds=59))
    assert owner.page(LIST).texts("td[data-label=Category]") == [LABEL]
    clock.advance(timedelta(seconds=1))
    assert owner.page(LIST).texts("td[data-label=Category]") == ["Participant"]


@SQLITE
def test_it_can_be_masked_before_and_ends_with_the_session(app: Flask, person: str) -> None:
    owner = unmask(at_desk(app, Role.OWNER))
    page = owner.submit(owner.page(LIST).form("form[action$=mask]"))
    assert page.texts("td[data-label=Category]") == ["Participant"]
    unmask(owner)
    with owner.session_transaction(base_url=owner.public_url) as session:
        assert set(session) == {"_user_id", "csrf_token", "look"}
        assert [mark for mark in (*MARKS, person) if mark in str(dict(session))] == []
    owner.submit(owner.page(LIST).form("header form"))
    with owner.session_transaction(base_url=owner.public_url) as session:
        assert "look" not in session


@SQLITE
def test_a_look_does_not_open_another_event_or_outlive_the_role(app: Flask, person: str) -> None:
    owner, other = unmask(at_desk(app, Role.OWNER)), at_desk(app, Role.EDITOR)
    with owner.session_transaction(base_url=owner.public_url) as session:
        taken = session["look"]
    with other.session_transaction(base_url=other.public_url) as session:
        session["look"] = taken
    assert other.page(LIST).texts("td[data-label=Category]") == ["Participant"]


@SQLITE
@pytest.mark.parametrize("role", sorted(SEES_LIST))
def test_no_search_finds_a_name_for_vetting(app: Flask, person: str, role: Role) -> None:
    desk = at_desk(app, role)
    page = desk.submit(desk.page(LIST).form("form[role=search]"), search=SECRET)
    assert "Nobody fits" in page.text


@SQLITE
def test_no_export_holds_a_name_for_vetting(app: Flask, person: str) -> None:
    owner = at_desk(app, Role.OWNER)
    form = owner.page(EXPORT).form()
    columns = [str(box["value"]) for box in owner.page(EXPORT).all("[name=columns]")]
    assert not [one for one in columns if "vetting" in one]
    answer = owner.send(form, columns=columns, unmask=True, reason=WHY, format="json")
    told = answer.get_data(as_text=True)
    assert (ANSWER in told, SECRET in told) == (True, False)


@SQLITE
def test_a_decision_leaves_nothing_of_it_in_the_database_file_or_its_log(app: Flask, database_url: str) -> None:
    with app.app_context():
        person = add_person("Bo", "victims-survivors", State.IN_REVIEW, vetting_name=SECRET)
        sealed = bytes(db.session.execute(text("SELECT vetting FROM registration")).scalar_one())
    file = Path(database_url.removeprefix("sqlite:///"))
    reviewer = at_desk(app, Role.REVIEWER)
    assert sealed in _octets(file)
    reviewer.submit(reviewer.page(f"{LIST}{person}/").form("form:has([name=decision])"), decision="approve")
    assert [part in _octets(file) for part in (sealed, sealed[-40:])] == [False, False]


def _octets(file: Path) -> bytes:
    return b"".join(one.read_bytes() for one in file.parent.glob(f"{file.name}*"))


# Numbers.


@SQLITE
def test_a_viewer_is_told_ranges_and_totals_of_ranges(app: Flask) -> None:
    with app.app_context():
        add_people(7, captions=True, country="NP")
        for number in range(3):
            add_person(f"Expert {number}", "experts", sessions=("human-rights",), stream_language="es")
    viewer = at_desk(app, Role.VIEWER)
    page = viewer.page(DESK)
    confirmed = page.texts("#numbers ~ table td[data-label=Confirmed]")
    assert sorted(set(confirmed[:-1])) == ["5–9", "fewer than 5"]
    assert confirmed[-1] == "5–37"
    assert viewer.page("/organizer/").texts("tbody td")[1] == "5–37"
    assert "Nepal" not in page.text


@SQLITE
def test_no_number_that_a_viewer_sees_is_exact(app: Flask, person: str) -> None:
    """But for dates, limits and the like, which are no people: each number of people is a range."""
    with app.app_context():
        add_people(3, sessions=("human-rights",), captions=True)
    viewer = at_desk(app, Role.VIEWER)
    announce(at_desk(app, Role.OWNER))
    told = []
    for path in (DESK, "/organizer/", f"{DESK}sessions/", f"{DESK}sessions/human-rights/", f"{DESK}reminders/", ALL):
        page = viewer.page(path)
        told += page.texts("td.number, #confirmed + dl dd, td[data-label=Mails], td[data-label='People now']")
    numbers = {one for text in told for one in re.split(r" · |: ", text) if re.search(r"[0-9]", one)}
    assert numbers
    assert [one for one in numbers if not re.fullmatch(r"fewer than \d+|\d+–\d+", one)] == []
    details = [viewer.page(path).text for path in (f"{ALL}1/", f"{DESK}reminders/day-before/")]
    assert [re.findall(r"\d+ (?:person|people)|(?:sent|failed): \d+", text) for text in details] == [[], []]


def at_desk_for_long(app: Flask, clock: FakeClock, role: Role) -> Client:
    """An organizer who is asked for the password again."""
    with app.app_context():
        make_organizer(f"{role}@example.org", role)
        set_password(f"{role}@example.org")
    desk = at_desk(app, role)
    clock.advance(FRESH_TIME + MINUTE)
    return desk


def look_form(desk: Client) -> dict[str, str]:
    """What a form that asks for a reason sends, but for the password."""
    return {"csrf_token": str(desk.page(HOME).one("header [name=csrf_token]")["value"]), "why": WHY}


@SQLITE
@pytest.mark.parametrize("path", ["unmask", "{person}/category", "{person}/vetting-name", "{person}/erase"])
def test_who_signed_in_some_time_ago_types_the_password_first(
    app: Flask, clock: FakeClock, person: str, path: str
) -> None:
    desk = at_desk_for_long(app, clock, Role.OWNER)
    typed = look_form(desk)
    for wrong in ({}, {"password": "something else 1"}):
        page = desk.parsed(desk.post(LIST + path.format(person=person), data={**typed, **wrong}), 422)
        assert page.error_of("password").endswith("This is not your password; type it again.")
        assert not {SECRET, ANSWER} & set(page.text.split())
    with app.app_context():
        assert db.session.query(Unmasking).count() == 0
        assert db.session.query(Registration).one().leaving_since is None
    answer = desk.post(LIST + path.format(person=person), data={**typed, "password": PASSWORD})
    assert answer.status_code in (200, 303)


@SQLITE
def test_the_password_typed_again_is_good_for_a_quarter_of_an_hour(app: Flask, clock: FakeClock, person: str) -> None:
    desk = at_desk_for_long(app, clock, Role.REVIEWER)
    asked = []
    for _look in range(4):
        form = desk.page(f"{LIST}{person}/").form("form[action$='/category']")
        asked.append("password" in form.values)
        desk.submit(form, why=WHY, **({"password": PASSWORD} if asked[-1] else {}))
        clock.advance(7 * MINUTE)
    assert asked == [True, False, False, True]


@SQLITE
@pytest.mark.parametrize("what", ["category", "vetting-name"])
def test_for_an_id_that_there_is_not_no_password_is_looked_at(app: Flask, clock: FakeClock, what: str) -> None:
    desk = at_desk_for_long(app, clock, Role.REVIEWER)
    typed = {**look_form(desk), "password": PASSWORD}
    assert desk.post(f"{LIST}{'A' * 22}/{what}", data=typed).status_code == 404
    with app.app_context():
        assert db.session.query(OrganizerSession).one().password_at is None


@SQLITE
def test_nobody_looks_at_more_than_sixty_an_hour(
    app: Flask, clock: FakeClock, person: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "plenary.security")
    reviewer = at_desk(app, Role.REVIEWER)
    with app.app_context(), writing():
        event, account = event_named(SLUG), accounts.organizer_with("reviewer@example.org")
        for _look in range(59):
            unmasking.write_down(event, account, Sight.VETTING_NAME, WHY, now=clock.now)
        public_id = account.public_id
    assert SECRET in look(reviewer, person, "vetting-name").text
    refused = look(reviewer, person, "vetting-name", 422)
    assert ("wait before the next" in refused.text, SECRET in refused.text) == (True, False)
    clock.advance(60 * MINUTE)
    reviewer = at_desk(app, Role.REVIEWER)
    assert SECRET in look(reviewer, person, "vetting-name").text
    told = [one.getMessage() for one in caplog.records if one.name == "plenary.security"]
    assert told == [f"looked account={public_id} event={SLUG} what=vetting_name"] * 2


@SQLITE
def test_masked_again_a_look_is_over_for_a_kept_cookie_too(app: Flask, person: str) -> None:
    owner = unmask(at_desk(app, Role.OWNER))
    kept = owner.get_cookie("__Host-plenary", domain="events.example.org")
    assert kept is not None
    assert LABEL in owner.page(LIST).text
    owner.submit(owner.page(LIST).form("form[action$=mask]"))
    owner.set_cookie("__Host-plenary", kept.value, domain="events.example.org", secure=True)
    assert LABEL not in owner.page(LIST).text


@SQLITE
def test_a_look_at_one_person_never_opens_the_list(app: Flask, person: str) -> None:
    """Also when that person is gone and nobody's name stands beside it."""
    owner = at_desk(app, Role.OWNER)
    look(owner, person, "category")
    with app.app_context(), writing():
        entry = db.session.query(Unmasking).one()
        entry.registration_id, public_id = None, entry.public_id
    with owner.session_transaction(base_url=owner.public_url) as session:
        session["look"] = public_id
    assert LABEL not in owner.page(LIST).text
