"""The second factor at the desk: set up with an app, asked for at the door, switched off."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from config import Settings
from registration.models import Event
from registration.models.event import EventState
from registration.models.organizer import Role
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import EVENT, SLUG, change, load_dialogue
from tests.support.organizers import DESK, LIST, PASSWORD, at_desk, set_password
from tests.support.pages import Page

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

OWNER = "owner@example.org"
PAGE = "/organizer/account/second-factor/"
SIGN_IN = "/organizer/sign-in/"
STEP = timedelta(seconds=30)
NOT_YOURS = "This is not your password; type it again."
NOT_FITTING = "This code does not fit; type the one that the app shows now."
WRONG = "Address, password and code do not fit; type them again, or ask the owner for a new link."


@pytest.fixture
def desk(app: Flask) -> Client:
    """An owner who has just signed in."""
    load_dialogue(app)
    at_desk(app, Role.OWNER, address=OWNER)
    with app.app_context():
        set_password(OWNER)
    return at_desk(app, Role.OWNER, address=OWNER)


def begun(desk: Client) -> tuple[pyotp.TOTP, Page]:
    """The app that has scanned the code, and the page that shows it."""
    page = desk.submit(desk.page(PAGE).form(f"form[action='{PAGE}']"), password=PASSWORD)
    return pyotp.TOTP("".join(page.texts("code.secret")).replace(" ", "")), page


def switched_on(desk: Client, clock: FakeClock) -> tuple[pyotp.TOTP, list[str]]:
    """The app, and the recovery codes; a minute later."""
    app, page = begun(desk)
    codes = desk.submit(page.form(f"form[action='{PAGE}confirm/']"), code=app.at(clock.now)).texts(".codes code")
    clock.advance(2 * STEP)
    return app, codes


def sign_in(app: Flask, code: str, password: str = PASSWORD) -> str:
    """What comes of it: where it leads, or what is wrong."""
    visitor = app.test_client()
    assert isinstance(visitor, Client)
    form = visitor.page(SIGN_IN).form("form[action^='/organizer/sign-in/']")
    response = visitor.send(form, address=OWNER, password=password, code=code)
    if response.status_code == 303:
        return response.headers["Location"]
    return Page(response).texts(".summary li")[0]


def test_it_is_set_up_with_an_app_and_asked_for_from_then_on(app: Flask, desk: Client, clock: FakeClock) -> None:
    phone, recovery = switched_on(desk, clock)
    assert len(recovery) == 10
    code = phone.at(clock.now)
    tries = [("", PASSWORD), ("000000", PASSWORD), (code, "another password"), (code, PASSWORD), (code, PASSWORD)]
    assert [sign_in(app, *one) for one in tries] == [*[WRONG] * 3, "/organizer/", WRONG]
    assert [sign_in(app, one) for one in (recovery[3], recovery[3])] == ["/organizer/", WRONG]
    assert "Recovery codes that are left: 9." in desk.page(PAGE).text


def test_the_picture_the_key_and_the_link_say_the_same(desk: Client) -> None:
    phone, page = begun(desk)
    link = urlsplit(str(page.all("ol a")[0]["href"]))
    told = parse_qs(link.query)
    assert (link.scheme, unquote(link.path)) == ("otpauth", f"/Plenary events.example.org:{OWNER}")
    assert told == {"secret": [phone.secret], "issuer": ["Plenary events.example.org"]}
    box = str(page.all("svg.qr")[0]["viewbox"]).split()
    dark = re.findall(r"M(\d+) (\d+)h1v1h-1z", str(page.all("svg.qr path")[0]["d"]))
    assert box[0] == box[1] == "-4"
    corner = {(int(x), int(y)) for x, y in dark if int(x) < 8 and int(y) < 8}
    ring = {(x, y) for x in range(7) for y in range(7) if x in (0, 6) or y in (0, 6)}
    assert corner == ring | {(x, y) for x in (2, 3, 4) for y in (2, 3, 4)}


def test_a_wrong_code_is_told_beside_its_field_and_nothing_is_on(app: Flask, desk: Client) -> None:
    _phone, page = begun(desk)
    refused = desk.submit(page.form(f"form[action='{PAGE}confirm/']"), 422, code="000000")
    assert refused.error_of("code").endswith(NOT_FITTING)
    assert refused.texts("code.secret") == page.texts("code.secret")
    assert sign_in(app, "") == "/organizer/"


def test_recovery_codes_and_secret_are_shown_once(desk: Client, clock: FakeClock) -> None:
    phone, recovery = switched_on(desk, clock)
    page = desk.page(PAGE)
    assert [one for one in (phone.secret, phone.secret[:4], *recovery) if one in page.text] == []
    assert page.all("svg.qr") == []


def test_switching_it_on_ends_all_other_sessions(app: Flask, desk: Client, clock: FakeClock) -> None:
    other = at_desk(app, Role.OWNER, address=OWNER)
    switched_on(desk, clock)
    assert [one.get("/organizer/").status_code for one in (desk, other)] == [200, 303]


def test_it_is_begun_with_the_password_and_ended_with_a_code_too(app: Flask, desk: Client, clock: FakeClock) -> None:
    form = desk.page(PAGE).form(f"form[action='{PAGE}']")
    assert desk.submit(form, 422, password="no").error_of("password") == NOT_YOURS
    page = desk.submit(form, password=PASSWORD)
    phone = pyotp.TOTP("".join(page.texts("code.secret")).replace(" ", ""))
    desk.submit(page.form(f"form[action='{PAGE}confirm/']"), code=phone.at(clock.now))
    off = desk.page(PAGE).form(f"form[action='{PAGE}off/']")
    code = phone.at(clock.advance(2 * STEP))
    assert desk.submit(off, 422, password="no", code=code).error_of("password") == NOT_YOURS
    assert desk.submit(off, 422, password=PASSWORD, code="000000").error_of("code").endswith(NOT_FITTING)
    assert sign_in(app, "") == WRONG
    after = desk.submit(off, password=PASSWORD, code=code)
    assert after.texts(".notice") == ["The second factor is switched off."]
    assert sign_in(app, "") == "/organizer/"


def test_what_another_window_has_done_is_shown_and_no_fault(desk: Client, clock: FakeClock) -> None:
    """A double click, the way back, a page that was left open."""
    _phone, page = begun(desk)
    confirm = f"form[action='{PAGE}confirm/']"
    stale = [page.form(confirm), desk.page("/organizer/account/").form("form[action='/organizer/account/password/']")]
    code = _phone.at(clock.now)
    desk.submit(page.form(confirm), code=code)
    for typed in (code, ""):
        after = desk.submit(stale[0], code=typed)
        assert after.texts(".notice") == ["This has been changed in the meantime: here is how it stands."]
        assert after.all(f"form[action='{PAGE}off/']") != []
    token = {"csrf_token": stale[0].values["csrf_token"], "password": PASSWORD}
    answer = desk.post(PAGE, data=token, follow_redirects=True, headers={"Referer": page.url})
    assert "The second factor is on already; switch it off first." in Page(answer).text
    clock.advance(2 * STEP)
    off = desk.page(PAGE).form(f"form[action='{PAGE}off/']")
    desk.submit(off, password=PASSWORD, code=_phone.at(clock.now))
    after = desk.submit(off, password=PASSWORD, code="000000")
    assert after.texts(".notice") == ["This has been changed in the meantime: here is how it stands."]


def test_the_operator_lets_somebody_in_who_has_lost_everything(
    app: Flask, desk: Client, clock: FakeClock, runner: FlaskCliRunner
) -> None:
    switched_on(desk, clock)
    told = runner.invoke(args=["organizer", "forget-factor", OWNER])
    assert (told.exit_code, told.output) == (0, f"{OWNER}: signs in with the password alone\n")
    assert desk.get("/organizer/").status_code == 303
    assert sign_in(app, "") == "/organizer/"
    unknown = runner.invoke(args=["organizer", "forget-factor", "nobody@example.org"])
    assert unknown.exit_code != 0


def test_what_was_done_is_logged_without_a_code(
    app: Flask, desk: Client, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "plenary.security")
    phone, recovery = switched_on(desk, clock)
    sign_in(app, "000000")
    sign_in(app, "000000", "another password")
    sign_in(app, recovery[1])
    desk.submit(desk.page(PAGE).form(f"form[action='{PAGE}off/']"), password=PASSWORD, code=recovery[0])
    lines = [one.getMessage() for one in caplog.records]
    assert [one.split()[0] for one in lines] == [
        "second_factor_on", "code_refused", "sign_in_failed", "recovery_code_used", "sign_in", "second_factor_off",
    ]  # fmt: skip
    assert [one for one in (phone.secret, *recovery) if one in str(lines)] == []


class TestWhereEveryAccountNeedsOne:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return replace(settings, require_second_factor=True)

    def test_nothing_is_shown_before_it_is_set_up(self, app: Flask, desk: Client, clock: FakeClock) -> None:
        paths = (DESK, LIST, "/organizer/", "/organizer/account/")
        asked = {path: desk.get(path).headers.get("Location") for path in paths}
        assert asked == dict.fromkeys(paths, PAGE)
        told = "This service asks every account for a second factor; set it up to go on."
        assert told in desk.page(PAGE).texts(".notice")
        change(app, Event, SLUG, state=EventState.DRAFT)
        drafts = (EVENT, f"{EVENT}register/", f"{EVENT}calendar.ics", f"{EVENT}sessions/human-rights/")
        assert [desk.get(path).status_code for path in drafts] == [404] * 4
        switched_on(desk, clock)
        assert desk.page(LIST).texts("h1") == ["Attendees"]
        assert [desk.get(path).status_code for path in drafts] == [200] * 4

    def test_who_switches_it_off_has_to_set_it_up_again(self, desk: Client, clock: FakeClock) -> None:
        _phone, recovery = switched_on(desk, clock)
        desk.submit(desk.page(PAGE).form(f"form[action='{PAGE}off/']"), password=PASSWORD, code=recovery[0])
        assert desk.get(LIST).headers["Location"] == PAGE

    def test_whoever_has_none_can_sign_out(self, desk: Client) -> None:
        page = desk.page(PAGE)
        assert desk.send(page.form("form[action='/organizer/sign-out/']")).headers["Location"] == SIGN_IN
