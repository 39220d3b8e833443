"""What holds on every page: headers, who may keep it, cookies, and addresses with anything behind the "?"."""

from __future__ import annotations

import itertools
import re
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient

from registration.domain.link_keys import LinkKind, key_for
from registration.extensions import db
from registration.models import EventSession
from registration.web.display import LANGUAGES
from tests.support.access_matrix import OF_AN_EVENT, ROWS
from tests.support.client import Client
from tests.support.dialogue import (
    AMINA,
    SLUG,
    link_in,
    load_dialogue,
    registrations,
    sign_up,
    take_part,
    work,
)
from tests.support.smtp import MailServer

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
KEY = "A" * 44


ROUTES = {row.endpoint: row for row in ROWS if row.method == "GET"}
"""Every page that can be asked for: by a participant for the own page, by somebody signed out for the desk."""
STATUS = {
    **{name: 303 for name, row in ROUTES.items() if row in OF_AN_EVENT},
    **dict.fromkeys(("participant.enter", "organizer.home", "organizer.account", "organizer.second_factor"), 303),
    **dict.fromkeys(("organizer.password", "organizer.set_password"), 404),
}
"""What they get where it is not 200."""
KEPT = {"shared": "public, max-age", "own": "private, no-cache, max-age", "": "no-store"}
"""How Cache-Control begins, by who may keep a page."""
SHARED = [name for name, row in ROUTES.items() if row.kept == "shared"]
PAGES = [name for name, row in ROUTES.items() if name not in STATUS and not re.search(r"ics$|z$|css$", row.path)]


@pytest.fixture
def visitor(app: Flask, client: Client, smtp: MailServer) -> Client:
    """Amina's browser, in which her own page is open; another sign-up of hers waits for proof."""
    load_dialogue(app)
    take_part(client, smtp)
    return client


@pytest.fixture
def paths(app: Flask, visitor: Client, smtp: MailServer) -> dict[str, str]:
    """The paths of all routes, with real keys in them."""
    own = link_in(smtp.mails[-1], "/my/").split("/")[2]
    sign_up(visitor, address="other@example.org")
    work(app)
    proof = link_in(smtp.mails[-1], "/prove/").split("/")[2]
    with app.app_context():
        code = db.session.query(EventSession).first().code
        feed = key_for(registrations(AMINA)[0], LinkKind.FEED)
        stop = key_for(registrations(AMINA)[0], LinkKind.UNSUBSCRIBE)
    keys = {"my": own, "feeds": feed, "unsubscribe": stop, "prove": proof, "organizer": KEY}
    ids = {"event": SLUG, "session": "human-rights", "category": "youth", "rule": "day-before", "code": code}
    return {
        name: row.path.format(**ids, person=KEY, draft=1, key=keys.get(row.path.split("/")[1]))
        for name, row in ROUTES.items()
    }


def test_every_answer_says_what_it_may_load_and_who_may_keep_it(visitor: Client, paths: dict[str, str]) -> None:
    for name, row in ROUTES.items():
        response = visitor.get(paths[name])
        policy = dict(rule.partition(" ")[::2] for rule in response.headers["Content-Security-Policy"].split("; "))
        assert (name, response.status_code) == (name, STATUS.get(name, 200))
        assert (name, {one: policy[one] for one in POLICY}) == (name, POLICY)
        assert (name, {one: response.headers[one] for one in EXPECTED}) == (name, EXPECTED)
        kept = response.headers["Cache-Control"].partition("=")[0]
        assert (name, kept) == (name, KEPT[row.kept])


POLICY = {
    "default-src": "'none'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "script-src": "'self'",
}
EXPECTED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
}


def test_what_all_may_keep_is_the_same_for_all(app: Flask, visitor: Client, paths: dict[str, str]) -> None:
    """For a stranger as for somebody whose own page is open: no cookie goes out, none is looked at."""
    for name in SHARED:
        known, stranger = visitor.get(paths[name]), app.test_client().get(paths[name])
        assert (name, known.data) == (name, stranger.data)
        for response in (known, stranger):
            assert (name, "Set-Cookie" in response.headers) == (name, False)
            assert (name, "Cookie" in response.headers.get("Vary", "")) == (name, False)


def test_pages_of_sign_up_set_no_cookie(app: Flask, paths: dict[str, str]) -> None:
    names = [name for name in ROUTES if name.startswith(("signup.", "unsubscribe."))]
    assert [name for name in names if "Set-Cookie" in app.test_client().get(paths[name]).headers] == []


def test_every_page_speaks_the_language_it_is_asked_for(visitor: Client, paths: dict[str, str]) -> None:
    for name, language in itertools.product(PAGES, LANGUAGES):
        html = visitor.page(f"{paths[name]}?lang={language}").one("html")
        assert (name, html["lang"], html["dir"]) == (name, language, "rtl" if language == "ar" else "ltr")


QUERIES = [
    "lang=xx", "lang=", "lang=en&lang=fr", "lang[]=fr", "lang=%00", "lang=%ff", "lang=" + "x" * 3000,
    "tz=Mars/Phobos", "tz=../../etc/localtime", "tz=asia/kathmandu", "tz=%00", "tz=%ed%a0%80", "tz=EST5EDT",
    "endpoint=x", "_anchor=x", "_external=1", "_scheme=javascript&_external=1", "_method=DELETE", "self=1",
    "values=1", "event_slug=no-such", "key=x", "code=x", "role=admin", "stream=xx", "a=1&" * 1000,
    quote("<script>alert(1)</script>") + "=" + quote("\"><img src=x onerror=alert(1)>"),
]  # fmt: skip


def test_no_page_minds_what_stands_behind_its_question_mark(app: Flask, paths: dict[str, str]) -> None:
    visitor = FlaskClient(app, app.response_class)
    visitor.get(paths["participant.enter"], base_url="https://events.example.org")
    for name, query in itertools.product(PAGES, QUERIES):
        response = visitor.get(f"{paths[name]}?{query}", base_url="https://events.example.org")
        assert (name, query, response.status_code) == (name, query, 200)
        assert [one for one in ("<script>alert", "<img src=x", "javascript:") if one in response.text] == []


def test_what_no_page_takes_is_refused_with_a_page(visitor: Client, paths: dict[str, str]) -> None:
    for name, method in itertools.product(PAGES, ["PUT", "DELETE", "PATCH"]):
        response = visitor.open(paths[name], method=method)
        assert (name, response.status_code, response.headers["Cache-Control"]) == (name, 405, "no-store")


def test_an_address_that_leads_nowhere_says_what_to_do(visitor: Client) -> None:
    page = visitor.page("/no/such/page", 404)
    assert "Look at the address again, or begin at the list of events." in page.text


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_machines_are_told_how_things_stand(client: Client, path: str) -> None:
    assert client.get(path).get_json() == {"status": {"/healthz": "alive", "/readyz": "ready"}[path]}
