"""Accounts: the one-time link, signing in and out, sessions that end, and who may open what."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from registration.domain import accounts, desk_sessions
from registration.extensions import db, writing
from registration.models import Event, OrganizerSession
from registration.models.event import EventState
from registration.models.organizer import Role
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import EVENT, change, load_dialogue
from tests.support.organizers import DESK, LIST, PASSWORD, at_desk, make_organizer, set_password
from tests.support.pages import Page

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SIGN_IN = "/organizer/sign-in/"
HOME = "/organizer/"
OWNER = "owner@example.org"
WRONG = "Address, password and code do not fit; type them again, or ask the owner for a new link."


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app)


@pytest.fixture
def key(app: Flask) -> str:
    """The key of a new owner's one-time link."""
    with app.app_context():
        return accounts.password_key(make_organizer(OWNER, Role.OWNER))


@pytest.fixture
def account(app: Flask, key: str) -> None:
    with app.app_context():
        set_password(OWNER)


def sign_in(client: Client, address: str = OWNER, password: str = PASSWORD, status: int = 200) -> Page:
    return client.submit(client.page(SIGN_IN).form(), status, address=address, password=password)


def path(page: Page) -> str:
    return page.url.partition("events.example.org")[2]


def test_the_link_sets_a_password_once_and_it_signs_in(client: Client, key: str) -> None:
    link = f"/organizer/password/{key}/"
    after = client.submit(client.page(link).form(), password=PASSWORD, again=PASSWORD)
    assert (path(after), after.texts(".notice")) == (SIGN_IN, ["The password is set; sign in with it."])
    assert path(sign_in(client)) == HOME
    client.page(link, 404)


@SQLITE
def test_the_link_ends_after_a_day(client: Client, clock: FakeClock, key: str) -> None:
    clock.advance(timedelta(hours=23, minutes=59))
    client.page(f"/organizer/password/{key}/")
    clock.advance(timedelta(minutes=1))
    client.page(f"/organizer/password/{key}/", 404)


@SQLITE
def test_a_wrong_key_opens_nothing(client: Client, key: str) -> None:
    for wrong in (key[:-1], f"{key[:-2]}AA", key.swapcase(), "A" * 44):
        client.page(f"/organizer/password/{wrong}/", 404)


@SQLITE
@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        ("too short", "This is too short: use at least 12 characters."),
        ("x" * 257, "This is too long: shorten it to 256 characters."),
        ("Password1234", "This password is easily guessed; use several words that do not belong together."),
        ("ababababababab", "This password is easily guessed; use several words that do not belong together."),
        (OWNER.upper(), "This password is easily guessed; use several words that do not belong together."),
        ("with\x07a bell in it", "There are hidden control characters in this; type it again without them."),
    ],
)
def test_a_bad_password_is_refused_beside_its_field(client: Client, key: str, password: str, sentence: str) -> None:
    form = client.page(f"/organizer/password/{key}/").form()
    page = client.submit(form, 422, password=password, again=password)
    assert page.error_of("password").endswith(sentence)


@SQLITE
def test_a_password_is_looked_at_before_the_database_is_locked(app: Flask, client: Client, key: str) -> None:
    form = client.page(f"/organizer/password/{key}/").form()
    with app.app_context():
        engine = db.engine
    with engine.connect().execution_options(immediate=True) as other, other.begin():
        client.submit(form, 422, password="Password1234", again="Password1234")


@SQLITE
def test_two_passwords_that_differ_are_refused(client: Client, key: str) -> None:
    form = client.page(f"/organizer/password/{key}/").form()
    page = client.submit(form, 422, password=PASSWORD, again=f"{PASSWORD}!")
    assert page.error_of("again") == "This is not the same as above; type both again."


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("address", "password"),
    [(OWNER, "seven lanterns under ice"), ("nobody@example.org", PASSWORD), ("no address", PASSWORD)],
)
def test_what_is_wrong_is_not_told(client: Client, address: str, password: str) -> None:
    page = sign_in(client, address, password, 422)
    assert page.texts(".summary li") == [WRONG]
    assert page.one("[name=address]")["value"] == address
    assert page.one("[name=password]").get("value", "") == ""


@SQLITE
@pytest.mark.parametrize("password", ["", PASSWORD])
def test_an_account_without_a_password_lets_nobody_in(client: Client, key: str, password: str) -> None:
    sign_in(client, OWNER, password, 422)
    assert path(client.page(HOME)).startswith(SIGN_IN)


@SQLITE
@pytest.mark.usefixtures("account")
def test_a_disabled_account_is_out_at_once(app: Flask, client: Client, runner: FlaskCliRunner) -> None:
    sign_in(client)
    assert runner.invoke(args=["organizer", "disable", OWNER]).exit_code == 0
    with app.app_context():
        assert db.session.query(OrganizerSession).count() == 0
    assert path(client.page(HOME)).startswith(SIGN_IN)
    assert sign_in(client, status=422).texts(".summary li") == [WRONG]


@SQLITE
@pytest.mark.usefixtures("account")
def test_the_same_password_typed_on_another_keyboard_fits(app: Flask, client: Client) -> None:
    with app.app_context():
        set_password(OWNER, "Ångström by the sea")
    sign_in(client, password="A\u030angstro\u0308m by the sea")


@pytest.mark.usefixtures("account")
def test_signing_out_ends_the_session_on_the_server(app: Flask, client: Client) -> None:
    home = sign_in(client)
    cookie = session_cookie(client)
    after = client.submit(home.form("header form"))
    assert after.texts(".notice") == ["You are signed out."]
    replay(client, cookie)
    assert path(client.page(HOME)).startswith(SIGN_IN)
    with app.app_context():
        assert db.session.query(OrganizerSession).count() == 0


@SQLITE
@pytest.mark.usefixtures("account")
def test_signing_in_gives_a_new_session_and_ends_all_that_was_before(app: Flask, client: Client) -> None:
    """Whoever planted or saw an earlier cookie has nothing (ASVS 7.2.4): neither a session nor a token for forms."""
    sign_in(client)
    earlier = session_cookie(client)
    token = client.page(HOME).form("header form").values["csrf_token"]
    client.delete_cookie("__Host-plenary", domain="events.example.org")
    client.page(SIGN_IN)
    anonymous = session_cookie(client)
    replay(client, earlier)
    sign_in(client)
    later = session_cookie(client)
    assert client.post("/organizer/sign-out/", data={"csrf_token": token}).status_code == 400
    for cookie in (earlier, anonymous):
        thief = app.test_client()
        assert isinstance(thief, Client)
        replay(thief, cookie)
        assert path(thief.page(HOME)).startswith(SIGN_IN)
    replay(client, later)
    assert path(client.page(HOME)) == HOME
    with app.app_context():
        assert db.session.query(OrganizerSession).count() == 1


def session_cookie(client: Client) -> str:
    cookie = client.get_cookie("__Host-plenary", domain="events.example.org")
    assert cookie is not None
    return cookie.value


def replay(client: Client, cookie: str) -> None:
    client.set_cookie("__Host-plenary", cookie, domain="events.example.org", secure=True)


def test_half_an_hour_without_a_page_ends_the_session(app: Flask, clock: FakeClock) -> None:
    desk = at_desk(app, Role.OWNER)
    for _page in range(3):
        clock.advance(timedelta(minutes=29))
        assert path(desk.page(HOME)) == HOME
    clock.advance(timedelta(minutes=30))
    assert path(desk.page(HOME)).startswith(SIGN_IN)


@SQLITE
def test_eight_hours_end_the_session_however_busy(app: Flask, clock: FakeClock) -> None:
    desk = at_desk(app, Role.OWNER)
    for _page in range(19):
        clock.advance(timedelta(minutes=25))
        assert path(desk.page(HOME)) == HOME
    clock.advance(timedelta(minutes=5))
    assert path(desk.page(HOME)).startswith(SIGN_IN)


@SQLITE
def test_sessions_that_are_over_are_swept_away(app: Flask, clock: FakeClock) -> None:
    at_desk(app, Role.OWNER)
    clock.advance(timedelta(minutes=20))
    at_desk(app, Role.EDITOR)
    with app.app_context(), writing():
        assert desk_sessions.expire(now=clock.advance(timedelta(minutes=15))) == 1


@SQLITE
def test_a_new_password_ends_every_session(app: Flask) -> None:
    desk = at_desk(app, Role.OWNER, address=OWNER)
    with app.app_context():
        set_password(OWNER)
    assert path(desk.page(HOME)).startswith(SIGN_IN)


@SQLITE
@pytest.mark.usefixtures("account")
def test_whoever_asks_for_a_page_comes_back_to_it_after_signing_in(client: Client) -> None:
    asked = client.page(f"{LIST}?state=in_review&lang=fr")
    assert path(asked).startswith(SIGN_IN)
    after = client.submit(asked.form("main form"), address=OWNER, password=PASSWORD)
    assert path(after) == f"{LIST}?state=in_review&lang=fr"


@SQLITE
@pytest.mark.usefixtures("account")
def test_signing_in_goes_nowhere_else(client: Client) -> None:
    form = client.page(SIGN_IN, query_string={"next": "https://example.com/"}).form()
    answer = client.send(form, address=OWNER, password=PASSWORD)
    assert answer.headers["Location"] == HOME


@SQLITE
def test_the_cookie_is_for_our_host_and_no_script(client: Client, account: None) -> None:
    answer = client.send(client.page(SIGN_IN).form(), address=OWNER, password=PASSWORD)
    cookies = answer.headers.getlist("Set-Cookie")
    assert sorted(cookie.partition("=")[0] for cookie in cookies) == ["__Host-device", "__Host-plenary"]
    for cookie in cookies:
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))


@SQLITE
def test_public_pages_open_no_session(client: Client) -> None:
    answer = client.get(EVENT)
    assert "Cookie" not in answer.headers.get("Vary", "")
    assert "Set-Cookie" not in answer.headers


@SQLITE
def test_a_draft_is_seen_by_its_organizers_alone_and_kept_by_nobody(app: Flask, client: Client) -> None:
    change(app, Event, "dialogue-next", state=EventState.DRAFT)
    stranger = client.get(EVENT)
    assert stranger.status_code == 404
    other = at_desk(app, Role.OWNER, event=None, address="all@example.org")
    seen = at_desk(app, Role.VIEWER).get(EVENT)
    assert (seen.status_code, seen.headers["Cache-Control"]) == (200, "no-store")
    assert other.get(EVENT).status_code == 200
    assert client.get(EVENT).status_code == 404


@SQLITE
def test_every_page_of_the_desk_is_kept_by_nobody(app: Flask, client: Client) -> None:
    desk = at_desk(app, Role.OWNER)
    answers = [client.get(SIGN_IN), *(desk.get(one) for one in (HOME, DESK, LIST, f"{DESK}export/"))]
    assert {(answer.status_code, answer.headers["Cache-Control"]) for answer in answers} == {(200, "no-store")}
