"""Taking the list away by the web: who, which columns, why, and what is written down."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import openpyxl
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from registration.extensions import db
from registration.models import Export
from registration.models.organizer import Role
from registration.models.registration import RegistrationState as State
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import load_dialogue
from tests.support.organizers import DESK, EXPORT, LIST, PASSWORD, add_person, at_desk, set_password, unmask

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SEARCH = "form[role=search]"
TAKE = "main form"
REASON = "To print badges"


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app)
    with app.app_context():
        add_person("Amina", "human-rights", organization="Example Aid", country="NP", answers={"work": "Rivers"})
        add_person("Bo", "youth", State.WAITING)


@pytest.fixture
def exporter(app: Flask) -> Client:
    return at_desk(app, Role.EXPORTER)


def take(client: Client, path: str = EXPORT, **values: object) -> TestResponse:
    return client.send(client.page(path).form(TAKE), **{"reason": REASON, **values})  # type: ignore[arg-type]


def lines(answer: TestResponse) -> list[list[str]]:
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"), newline="")))


def entries(app: Flask) -> int:
    with app.app_context():
        return db.session.query(Export).count()


def test_csv_comes_as_a_file_with_the_default_columns(exporter: Client) -> None:
    answer = take(exporter)
    assert lines(answer) == [
        ["name", "organization", "country", "state"],
        ["Amina", "Example Aid", "NP", "confirmed"],
        ["Bo", "", "", "waiting"],
    ]
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="dialogue-next-2026-03-02.csv"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Content-Length" not in answer.headers


def test_who_may_not_unmask_exports_all_at_risk_together(exporter: Client) -> None:
    assert [line[0] for line in lines(take(exporter, f"{EXPORT}?category=participant"))] == ["name", "Amina"]


def test_xlsx_and_json_hold_the_same(exporter: Client) -> None:
    book = openpyxl.load_workbook(io.BytesIO(take(exporter, format="xlsx", columns=["name", "state"]).get_data()))
    assert list(book.active.values) == [("name", "state"), ("Amina", "confirmed"), ("Bo", "waiting")]
    answer = take(exporter, format="json", columns=["name", "state"])
    assert json.loads(answer.get_data()) == [
        {"name": "Amina", "state": "confirmed"},
        {"name": "Bo", "state": "waiting"},
    ]


def test_the_filters_and_the_search_of_the_list_go_along(app: Flask, exporter: Client) -> None:
    page = exporter.page(f"{LIST}?state=waiting")
    assert lines(take(exporter, page.link("Export these")))[1:] == [["Bo", "", "", "waiting"]]
    found = exporter.submit(exporter.page(LIST).form(SEARCH), search="aid")
    assert [line[0] for line in lines(take(exporter, found.link("Export these")))] == ["name", "Amina"]
    book = at_desk(app, Role.OWNER).page(DESK).texts("[data-label=What]")
    assert book == [
        "CSV: name, organization, country, state; search: aid",
        "CSV: name, organization, country, state; state = waiting",
    ]


@SQLITE
def test_people_at_risk_are_participants_and_their_answers_stay(exporter: Client) -> None:
    offered = [str(box["value"]) for box in exporter.page(EXPORT).all("[name=columns]")]
    assert "answer.work" not in offered
    assert exporter.page(EXPORT).all("[name=unmask]") == []
    assert lines(take(exporter, columns=["name", "category"]))[1:] == [["Amina", "participant"], ["Bo", "youth"]]


@SQLITE
def test_an_owner_may_unmask_and_the_book_says_so(app: Flask) -> None:
    owner = at_desk(app, Role.OWNER)
    masked = lines(take(owner, columns=["name", "category"]))
    assert masked[1] == ["Amina", "participant"]
    answer = take(owner, columns=["name", "category", "answer.work"], unmask=True)
    assert lines(answer)[1:] == [["Amina", "human-rights", "Rivers"], ["Bo", "youth", ""]]
    assert [("named" in entry) for entry in owner.page(DESK).texts("[data-label=What]")] == [True, False]


@SQLITE
def test_one_category_at_risk_is_taken_by_its_filter_and_the_book_masks_it(app: Flask) -> None:
    owner = unmask(at_desk(app, Role.OWNER))
    page = owner.page(LIST)
    (value,) = [str(one["value"]) for one in page.all("#category option") if "rights" in one.get_text()]
    page = owner.submit(page.form("form[method=get]"), category=value)
    answer = take(owner, page.link("Export these"), columns=["name", "category"], unmask=True)
    assert lines(answer)[1:] == [["Amina", "human-rights"]]
    told = [desk.page(DESK).texts("#book ~ table [data-label=What]") for desk in (owner, at_desk(app, Role.EDITOR))]
    assert [one[0].split("; ")[1] for one in told] == ["category = human-rights", "category = participant"]


@SQLITE
def test_all_at_risk_are_taken_by_their_filter_with_their_categories(app: Flask) -> None:
    owner = at_desk(app, Role.OWNER)
    page = owner.submit(owner.page(LIST).form("form[method=get]"), category="participant")
    for unmask_too, category in ((False, "participant"), (True, "human-rights")):
        answer = take(owner, page.link("Export these"), columns=["name", "category"], unmask=unmask_too)
        assert lines(answer)[1:] == [["Amina", category]]


@SQLITE
def test_a_list_of_one_category_at_risk_says_so(app: Flask) -> None:
    owner = unmask(at_desk(app, Role.OWNER))
    page = owner.page(LIST)
    (value,) = [str(one["value"]) for one in page.all("#category option") if "rights" in one.get_text()]
    page = owner.submit(page.form("form[method=get]"), category=value)
    refused = owner.submit(owner.page(page.link("Export these")).form(TAKE), 422, reason=REASON)
    assert refused.error_of("unmask").startswith("This list is of one category at risk: tick that categories are named")
    assert entries(app) == 0


@SQLITE
def test_an_answer_of_people_at_risk_needs_the_unmasking(app: Flask) -> None:
    owner = at_desk(app, Role.OWNER)
    page = owner.submit(owner.page(EXPORT).form(TAKE), 422, reason=REASON, columns=["name", "answer.work"])
    assert page.texts(".summary li")[0].startswith("There is no column “answer.work”")
    assert entries(app) == 0


@SQLITE
def test_a_forged_wish_to_unmask_is_not_heard(app: Flask, exporter: Client) -> None:
    form = exporter.page(EXPORT).form(TAKE)
    form.values.setlist("unmask", ["y"])
    form.values.setlist("reason", [REASON])
    form.values.setlist("columns", ["name", "category"])
    answer = exporter.post(form.action, data=form.values)
    assert lines(answer)[1] == ["Amina", "participant"]


@SQLITE
@pytest.mark.parametrize(
    ("field", "values", "sentence"),
    [
        ("reason", {"reason": "  "}, "Say why you take this list."),
        ("reason", {"reason": "x" * 501}, "This is too long: shorten it to 500 characters."),
        ("columns", {"columns": []}, "Choose at least one column."),
    ],
)
def test_what_is_missing_is_said_and_nothing_leaves(
    app: Flask, exporter: Client, field: str, values: dict[str, object], sentence: str
) -> None:
    answer = take(exporter, **values)
    assert answer.status_code == 422
    assert sentence in answer.get_data(as_text=True)
    assert entries(app) == 0


@SQLITE
@pytest.mark.parametrize("format_name", ["xls", "", "csv\x00"])
def test_a_format_that_is_none_is_refused(app: Flask, exporter: Client, format_name: str) -> None:
    assert take(exporter, format=format_name).status_code == 422
    assert entries(app) == 0


@SQLITE
def test_who_signed_in_some_time_ago_types_the_password_again(app: Flask, clock: FakeClock, exporter: Client) -> None:
    with app.app_context():
        set_password("exporter@example.org")
    desk = at_desk(app, Role.EXPORTER)
    clock.advance(timedelta(minutes=15))
    assert take(desk).status_code == 200
    clock.advance(timedelta(minutes=1))
    refused = desk.submit(desk.page(EXPORT).form(TAKE), 422, reason=REASON, password="something else 1")
    assert refused.error_of("password").endswith("This is not your password; type it again.")
    assert refused.one("textarea").get_text().strip() == REASON
    assert entries(app) == 1
    assert take(desk, password=PASSWORD).status_code == 200


@SQLITE
def test_five_lists_an_hour_are_enough(app: Flask, clock: FakeClock, exporter: Client) -> None:
    assert [take(exporter).status_code for _list in range(5)] == [200] * 5
    refused = take(exporter)
    assert refused.status_code == 422
    assert "You have taken 5 lists within an hour" in refused.get_data(as_text=True)
    with app.app_context():
        set_password("exporter@example.org")
    later = at_desk(app, Role.EXPORTER)
    clock.advance(timedelta(hours=1))
    later = at_desk(app, Role.EXPORTER)
    assert take(later).status_code == 200


@SQLITE
def test_the_book_tells_who_when_why_and_what(app: Flask, exporter: Client) -> None:
    take(exporter)
    page = at_desk(app, Role.OWNER).page(DESK)
    assert page.texts("#book ~ table tbody tr > *") == [
        "2 Mar 2026, 10:00 UTC−5",
        "exporter@example.org",
        REASON,
        "CSV: name, organization, country, state",
    ]
    assert at_desk(app, Role.VIEWER).page(DESK).all("#book") == []


@SQLITE
def test_the_export_of_nobody_is_a_list_of_headings(exporter: Client) -> None:
    assert lines(take(exporter, f"{EXPORT}?state=declined")) == [["name", "organization", "country", "state"]]


@SQLITE
def test_an_unknown_filter_lets_nothing_leave(app: Flask, exporter: Client) -> None:
    form = exporter.page(EXPORT).form(TAKE)
    form.action = f"{form.action}?state=everybody"
    assert exporter.send(form, reason=REASON).status_code == 422
    assert entries(app) == 0
