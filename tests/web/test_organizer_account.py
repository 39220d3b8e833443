"""An organizer's own account: another password, and the sessions that are open."""

from __future__ import annotations

import base64
import logging
from datetime import timedelta

import pytest
from flask import Flask

from registration import clock as app_clock
from registration.domain import accounts, desk_sessions
from registration.extensions import db, writing
from registration.models import Organizer, OrganizerSession
from registration.models.organizer import Role
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import load_dialogue
from tests.support.organizers import DESK, EXPORT, LIST, PASSWORD, at_desk, set_password

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

OWNER = "owner@example.org"
ACCOUNT = "/organizer/account/"
PASSWORD_FORM = "form[action='/organizer/account/password/']"
SESSIONS_FORM = "form[action='/organizer/account/sessions/']"
NEW = "nine kettles over snow"
NOT_YOURS = "This is not your password; type it again."


@pytest.fixture
def desks(app: Flask, clock: FakeClock) -> tuple[Client, Client]:
    """Two browsers of one owner: the second signed in ten minutes later."""
    load_dialogue(app)
    at_desk(app, Role.OWNER, address=OWNER)
    with app.app_context():
        set_password(OWNER)
    first = at_desk(app, Role.OWNER, address=OWNER)
    clock.advance(timedelta(minutes=10))
    return first, at_desk(app, Role.OWNER, address=OWNER)


def is_in(desk: Client) -> bool:
    return desk.get("/organizer/").status_code == 200


def fits(app: Flask, password: str) -> bool:
    with app.app_context():
        return accounts.password_fits(accounts.organizer_with(OWNER), password)


def test_a_new_password_needs_the_old_one_and_signs_out_everywhere_else(
    app: Flask, desks: tuple[Client, Client]
) -> None:
    first, second = desks
    form = second.page(ACCOUNT).form(PASSWORD_FORM)
    refused = second.submit(form, 422, current="seven lanterns", password=NEW, again=NEW)
    assert (refused.error_of("current"), fits(app, NEW)) == (NOT_YOURS, False)
    with app.app_context():
        before = {row.token_digest for row in db.session.query(OrganizerSession)}
    after = second.submit(form, current=PASSWORD, password=NEW, again=NEW)
    assert after.texts(".notice") == ["Your password is changed, and you are signed out everywhere else."]
    assert [fits(app, NEW), fits(app, PASSWORD), is_in(first), is_in(second)] == [True, False, False, True]
    with app.app_context():
        assert db.session.query(OrganizerSession).one().token_digest not in before


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        ("too short", "This is too short: use at least 12 characters."),
        ("Plenary-2026!", "This password is easily guessed; use several words that do not belong together."),
        ("Owner-12345678", "This password is easily guessed; use several words that do not belong together."),
        ("UnitedNations1945", "This password is easily guessed; use several words that do not belong together."),
    ],
)
def test_a_bad_one_is_refused_beside_its_field(desks: tuple[Client, Client], password: str, sentence: str) -> None:
    form = desks[1].page(ACCOUNT).form(PASSWORD_FORM)
    page = desks[1].submit(form, 422, current=PASSWORD, password=password, again=password)
    assert page.error_of("password").endswith(sentence)


def test_open_sessions_are_listed_and_the_others_ended_by_the_password(desks: tuple[Client, Client]) -> None:
    first, second = desks
    page = second.page(ACCOUNT)
    here = ["·" in line for line in page.texts("#sessions-heading ~ ul li")]
    assert here == [True, False]
    form = page.form(SESSIONS_FORM)
    assert second.submit(form, 422, **{"end-password": NEW}).error_of("end-password") == NOT_YOURS
    assert is_in(first)
    after = second.submit(form, **{"end-password": PASSWORD})
    assert after.texts(".notice") == ["You are signed out everywhere else."]
    assert [is_in(first), is_in(second), len(after.texts("#sessions-heading ~ ul li"))] == [False, True, 1]


def test_nothing_is_done_without_the_forms_token(app: Flask, desks: tuple[Client, Client]) -> None:
    typed = {"current": PASSWORD, "password": NEW, "again": NEW, "end-password": PASSWORD}
    answers = [desks[1].post(f"{ACCOUNT}{one}/", data=typed).status_code for one in ("password", "sessions")]
    assert (answers, fits(app, NEW), is_in(desks[0])) == ([400, 400], False, True)


def test_every_composition_and_any_length_up_to_256_is_a_password(app: Flask, desks: tuple[Client, Client]) -> None:
    """No classes of characters are asked for, spaces at the ends count, nothing is cut off."""
    desk, before = desks[1], PASSWORD
    for password in (" lantern kettle ", "кириллица и слова", "x7" + "tomato " * 36 + "!!"):
        form = desk.page(ACCOUNT).form(PASSWORD_FORM)
        desk.submit(form, current=before, password=password, again=password)
        tried = [fits(app, one) for one in (password, password[:-1], password.swapcase())]
        assert (password, tried) == (password, [True, False, False])
        before = password


def test_password_fields_hide_what_is_typed_and_let_managers_help(client: Client, desks: tuple[Client, Client]) -> None:
    fields = {
        (str(field["name"]), str(field["type"]), str(field["autocomplete"]), field.has_attr("onpaste"))
        for page in (client.page("/organizer/sign-in/"), desks[1].page(ACCOUNT))
        for field in page.all("input[type=password]")
    }
    assert fields == {
        ("password", "password", "current-password", False),
        ("end-password", "password", "current-password", False),
        ("current", "password", "current-password", False),
        ("password", "password", "new-password", False),
        ("again", "password", "new-password", False),
    }


@pytest.mark.usefixtures("desks")
def test_a_password_is_good_until_it_is_changed(client: Client, clock: FakeClock) -> None:
    clock.advance(timedelta(days=1000))
    form = client.page("/organizer/sign-in/").form()
    assert client.submit(form, address=OWNER, password=PASSWORD).heading == "My events"


def test_each_page_of_the_desk_has_the_way_out(desks: tuple[Client, Client]) -> None:
    for path in ("/organizer/", ACCOUNT, DESK, LIST, EXPORT, f"{DESK}sessions/", f"{DESK}reminders/"):
        assert desks[1].page(path).form("header form").action.endswith("/organizer/sign-out/")


@pytest.mark.usefixtures("desks")
def test_a_token_is_new_each_time_and_has_256_random_bits(app: Flask) -> None:
    with app.app_context(), writing():
        tokens = [desk_sessions.start(accounts.organizer_with(OWNER), now=app_clock.now()) for _time in range(20)]
    assert (len(set(tokens)), {len(base64.urlsafe_b64decode(f"{one}=")) for one in tokens}) == (20, {32})


def test_there_is_no_account_until_somebody_adds_one(app: Flask) -> None:
    load_dialogue(app)
    with app.app_context():
        assert db.session.query(Organizer).count() == 0


def test_what_was_done_to_an_account_is_logged_by_its_public_id(
    app: Flask, desks: tuple[Client, Client], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "plenary.security")
    page = desks[1].page(ACCOUNT)
    desks[1].submit(page.form(SESSIONS_FORM), 422, **{"end-password": NEW})
    desks[1].submit(page.form(SESSIONS_FORM), **{"end-password": PASSWORD})
    desks[1].submit(page.form(PASSWORD_FORM), current=PASSWORD, password=NEW, again=NEW)
    with app.app_context():
        account = accounts.organizer_with(OWNER).public_id
    assert [one.getMessage() for one in caplog.records if one.name == "plenary.security"] == [
        f"password_refused account={account}",
        f"other_sessions_ended account={account}",
        f"password_changed account={account}",
    ]
