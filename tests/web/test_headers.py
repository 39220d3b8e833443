"""Headers and cookies of every answer, whoever asks: pages, files and errors, at an https and an http address."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from http.cookies import SimpleCookie

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from config import Settings
from registration.models.organizer import Role
from registration.web.headers import CONTENT_SECURITY_POLICY
from registration.web.mail_frame import FRAMING_POLICY, MAIL_POLICY
from tests.support.client import Client
from tests.support.dialogue import AMINA, EVENT, FIND, link_in, load_dialogue, take_part
from tests.support.organizers import EXPORT, PASSWORD, at_desk, make_organizer, set_password
from tests.support.pages import faults_in
from tests.support.smtp import MailServer
from tests.support.subjects import MAIL_BODIES, Everybody, everybody

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FRAMING = {"organizer.preview_announcement", "organizer.preview_reminder"}
SHARED = {
    "public.events", "public.event", "public.privacy", "watch.session", "watch.neutral", "static",
    "calendar.event_feed", "calendar.event_file", "calendar.session_file",
}  # fmt: skip
"""What any cache may hold; nothing else, but a participant's own feed for the program that reads it."""
FOUND_BY_SEARCHING = {"public.events", "public.event", "public.privacy", "watch.session", "static"}
FIXED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
}
POWERFUL = ["camera=()", "geolocation=()", "microphone=()", "payment=()", "usb=()", "display-capture=()"]
INLINE = ("a script is", "a style is", "refers to another host")


@pytest.fixture
def world(app: Flask, smtp: MailServer) -> Everybody:
    return everybody(app, smtp)


def policy_of(endpoint: str | None) -> tuple[str, str]:
    """The content security policy and X-Frame-Options of a route's answer."""
    if endpoint in MAIL_BODIES:
        return MAIL_POLICY, "SAMEORIGIN"
    return FRAMING_POLICY if endpoint in FRAMING else CONTENT_SECURITY_POLICY, "DENY"


def check(answer: TestResponse, endpoint: str | None = None) -> None:
    """Fail unless an answer has the headers of all, and no script or style stands in the page itself."""
    here = (endpoint, answer.request.path, answer.status_code)
    told = answer.headers
    frames = (told["Content-Security-Policy"], told["X-Frame-Options"])
    # A guard that refuses a mail's frame, or the page around it, answers as everywhere.
    assert (here, frames) in [(here, policy_of(endpoint if answer.status_code == 200 else None))]
    assert (here, {name: told[name] for name in FIXED}) == (here, FIXED)
    assert (here, [one for one in POWERFUL if one not in told["Permissions-Policy"]]) == (here, [])
    if answer.mimetype == "text/html" and endpoint not in MAIL_BODIES:
        faults = faults_in(BeautifulSoup(answer.get_data(as_text=True), "html.parser"), answer.request.url)
        assert (here, [one for one in faults if any(kind in one for kind in INLINE)]) == (here, [])


def check_kept(answer: TestResponse, endpoint: str | None = None) -> None:
    """Fail unless caches, search engines and the back button keep what they may and no more."""
    here = (endpoint, answer.request.path, answer.status_code)
    told = answer.headers
    shared = endpoint in SHARED and answer.status_code == 200
    own_feed = endpoint == "calendar.own_feed" and answer.status_code == 200
    kept = "public" if shared else "private, no-cache" if own_feed else "no-store"
    assert (here, told["Cache-Control"].startswith(kept)) == (here, True)
    if endpoint and endpoint.startswith("organizer."):
        assert (here, "Cookie" in told["Vary"]) == (here, True)
    robots = None if endpoint in FOUND_BY_SEARCHING else "noindex, nofollow"
    assert (here, told.get("X-Robots-Tag")) == (here, robots)


def test_the_policy_allows_our_own_files_and_forms_and_nothing_else() -> None:
    assert CONTENT_SECURITY_POLICY.split("; ") == [
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "worker-src 'none'",
        "img-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
    assert f"{CONTENT_SECURITY_POLICY}; frame-src 'self'" == FRAMING_POLICY
    assert "script-src" not in MAIL_POLICY
    assert {"default-src 'none'", "form-action 'none'", "base-uri 'none'"} <= set(MAIL_POLICY.split("; "))


@SQLITE
def test_every_answer_to_everybody_has_them(world: Everybody) -> None:
    for (endpoint, path), who in itertools.product(world.pages(), world.browsers):
        answer = world.ask(who, path)
        check(answer, endpoint)
        check_kept(answer, endpoint)


@SQLITE
def test_every_answer_to_a_form_has_them(world: Everybody) -> None:
    """Refused without a token, or, where none is asked for, with nothing typed."""
    for (endpoint, path), who in itertools.product(world.pages("POST"), world.browsers):
        check(world.ask(who, path, "POST"), endpoint)


def errors(client: Client) -> Iterator[tuple[int, TestResponse]]:
    """(status, answer) of every kind of error."""
    yield 400, client.post("/my/")
    yield 404, client.get("/no/such/page")
    yield 404, client.get("/static/no-such.css")
    yield 405, client.delete(EVENT)
    yield 405, client.open(EVENT, method="TRACE")
    yield 405, client.open(EVENT, method="FOO")
    yield 413, client.post(FIND, data={"address": "x" * 300_000})
    yield 422, client.post(FIND, data={"address": ""})
    for _try in range(20):
        client.post(FIND, data={"address": AMINA})
    yield 429, client.post(FIND, data={"address": AMINA})


@SQLITE
def test_every_error_has_them(app: Flask, client: Client) -> None:
    load_dialogue(app)
    for status, answer in errors(client):
        assert (answer.request.path, answer.status_code) == (answer.request.path, status)
        check(answer)
        assert (answer.request.path, answer.headers["Cache-Control"]) == (answer.request.path, "no-store")
    refused = at_desk(app, Role.VIEWER).get(EXPORT)
    assert refused.status_code == 403
    check(refused)


@SQLITE
@pytest.mark.parametrize("fault", [ZeroDivisionError("x"), OperationalError("x", None, Exception("x"))])
def test_a_fault_has_them_too(app: Flask, client: Client, monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    """A view of ours that fails stands in place of a real one."""

    def fails(**_arguments: object) -> str:
        raise fault

    load_dialogue(app)
    monkeypatch.setitem(app.view_functions, "signup.find", fails)
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    answer = client.get(FIND)
    assert answer.status_code == (503 if isinstance(fault, OperationalError) else 500)
    check(answer)
    check_kept(answer)


@SQLITE
def test_a_list_that_is_taken_away_has_them(app: Flask) -> None:
    load_dialogue(app)
    desk = at_desk(app, Role.OWNER)
    answer = desk.send(desk.page(EXPORT).form(), reason="For the doors")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    check(answer)
    check_kept(answer)


@SQLITE
def test_leaving_lets_the_browser_keep_nothing_and_touches_no_other_cookie(app: Flask, smtp: MailServer) -> None:
    """Clear-Site-Data does not name cookies: each way out ends its own."""
    load_dialogue(app)
    client = at_desk(app, Role.OWNER)
    take_part(client, smtp)
    for path, form, ended in (
        ("/my/", "form[action='/my/leave/']", "__Host-my"),
        ("/organizer/", "header form", "__Host-plenary"),
    ):
        answer = client.send(client.page(path).form(form))
        assert (answer.status_code, answer.headers["Clear-Site-Data"]) == (303, '"cache", "storage"')
        assert {name for name, _flags in cookies_of(answer)} <= {ended, "__Host-plenary"}
    assert client.get("/my/").status_code == 404
    assert client.get("/organizer/").status_code == 303


FLAGS = {"path": "/", "domain": "", "httponly": True, "samesite": "Lax"}


def cookies_of(answer: TestResponse) -> list[tuple[str, dict[str, object]]]:
    """(name, flags) of each cookie that an answer sets."""
    found = []
    for line in answer.headers.getlist("Set-Cookie"):
        for name, one in SimpleCookie(line).items():
            found.append((name, {flag: one[flag] for flag in (*FLAGS, "secure")}))
    return found


@SQLITE
class TestCookies:
    """Each has the flags of all, and the name that keeps it to our host where that is possible."""

    @pytest.fixture(params=["https", "http"])
    def scheme(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture
    def settings(self, settings: Settings, scheme: str) -> Settings:
        """With such an address."""
        return replace(settings, public_url=f"{scheme}://events.example.org")

    def test_every_cookie_has_its_flags_at_either_address(
        self, app: Flask, client: Client, smtp: MailServer, scheme: str
    ) -> None:
        load_dialogue(app)
        with app.app_context():
            make_organizer("owner@example.org", Role.OWNER)
            set_password("owner@example.org")
        own = link_in(take_part(client, smtp), "/my/")
        sign_in = client.page("/organizer/sign-in/").form()
        answers = [
            client.get(own),
            client.get("/my/"),
            client.get("/organizer/sign-in/"),
            client.send(sign_in, address="owner@example.org", password=PASSWORD),
            client.send(client.page("/my/").form("form[action='/my/leave/']")),
        ]
        set_now = [pair for answer in answers for pair in cookies_of(answer)]
        prefix = "__Host-" if scheme == "https" else ""
        assert {name for name, _flags in set_now} == {f"{prefix}{name}" for name in ("my", "plenary", "device")}
        assert [flags for _name, flags in set_now if flags != {**FLAGS, "secure": flags["secure"]}] == []
        assert {bool(flags["secure"]) for _name, flags in set_now} == {scheme == "https"}

    def test_only_an_https_address_promises_to_stay_one(self, client: Client, scheme: str) -> None:
        assert ("Strict-Transport-Security" in client.get("/").headers) == (scheme == "https")


@SQLITE
def test_no_public_page_sets_or_looks_at_a_cookie(world: Everybody) -> None:
    for (endpoint, path), who in itertools.product(world.pages(), world.browsers):
        if endpoint in SHARED or endpoint.startswith(("signup.", "unsubscribe.", "health.")):
            answer = world.ask(who, path)
            assert (endpoint, who, cookies_of(answer)) == (endpoint, who, [])
            if endpoint in SHARED:
                assert (endpoint, "Cookie" in answer.headers.get("Vary", "")) == (endpoint, False)
