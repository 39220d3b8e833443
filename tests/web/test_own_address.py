"""Our own address is PUBLIC_URL: what a request says of the host changes nothing, and redirects stay with us."""

from __future__ import annotations

import re
from urllib.parse import quote, urljoin, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import example, given
from hypothesis import strategies as some

from registration.models.organizer import Role
from registration.web.access import is_own_path
from tests.support.client import Client
from tests.support.dialogue import AMINA, EVENT, FIND, load_dialogue, take_part, work
from tests.support.organizers import PASSWORD, make_organizer, set_password
from tests.support.smtp import MailServer
from tests.support.subjects import everybody

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SIGN_IN = "https://events.example.org/organizer/sign-in/"
EVIL = "evil.example"
FORGED = {
    "Host": EVIL,
    "X-Forwarded-Host": EVIL,
    "X-Host": EVIL,
    "X-Forwarded-Server": EVIL,
    "X-Original-Url": f"https://{EVIL}/",
    "X-Forwarded-Proto": "gopher",
    "X-Forwarded-Port": "666",
    "X-Forwarded-Prefix": f"//{EVIL}",
    "Forwarded": f"host={EVIL};proto=gopher",
}
TRICKS = [
    "", "/", "organizer/", "/organizer", "/my/", "/organizerx/", "https://evil.example/organizer/", "//evil.example",
    "//evil.example/organizer/", "///evil.example/organizer/", "/\\evil.example", "\\\\evil.example", "\\/evil.example",
    "/organizer/\\evil.example", "/organizer/..//evil.example", "/organizer//evil.example", "/organizer/../my/",
    "/organizer/%2e%2e/%2f%2fevil.example", "/%2f%2fevil.example", "%2f%2fevil.example",
    "/organizer/%2f%2fevil.example",
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "data:text/html,x", "vbscript:x",
    "/\t/evil.example", "\t//evil.example", " //evil.example", "/organizer/ //evil.example", "/\n/evil.example",
    "/organizer/\r\nLocation: https://evil.example", "/organizer/\n", "/organizer/\x00", "/organizer/@evil.example",
    "@evil.example", "https:evil.example", "https:/evil.example", "http:///evil.example", "//evil.example@events",
    "https://events.example.org@evil.example/organizer/", "https://events.example.org.evil.example/organizer/",
    "\u2215\u2215evil.example", "\uff0f\uff0fevil.example", "/organizer/\u2028", "/\u2044evil.example",
    "/organizer/?next=https://evil.example", "/organizer/#//evil.example", "/organizer/;@evil.example",
    "/organizer/\u202egro.elpmaxe", "/organizer/?a=\r\nx", "/organizer/?a=<script>",
]  # fmt: skip


@pytest.mark.parametrize("target", TRICKS)
def test_no_trick_makes_another_host_an_own_path(target: str) -> None:
    assert not is_own_path(target)


@pytest.mark.parametrize(
    "target",
    [
        "/organizer/",
        "/organizer/events/dialogue-next/",
        "/organizer/events/dialogue-next/attendees/?state=in_review&lang=fr",
        "/organizer/events/dialogue-next/attendees/?category=a%20b+c",
        "/organizer/?",
    ],
)
def test_pages_of_the_desk_are_own_paths(target: str) -> None:
    assert is_own_path(target)


PARTS = ["/", "//", "\\", "organizer", "..", ".", "%2f", "%5c", "@", ":", "?", "#", "\t", "\n", "\r", "evil.example",
         "javascript:", "https:", "\u2215", "\uff0f", "-", "_", "=", "&"]  # fmt: skip


@given(some.one_of(some.text(), some.lists(some.sampled_from(PARTS)).map(lambda parts: "/organizer/" + "".join(parts))))
@example("/organizer/-//-")
def test_an_own_path_leads_to_the_desk_however_it_is_read(target: str) -> None:
    """Also by browsers, which leave out tabs and line ends, and take a backslash for a slash (WHATWG URL, 4.4)."""
    if not is_own_path(target):
        return
    as_browsers_read = re.sub(r"[\t\r\n]", "", target.strip()).replace("\\", "/")
    led = urlsplit(urljoin(SIGN_IN, as_browsers_read))
    assert (led.scheme, led.netloc, led.path.startswith("/organizer/")) == ("https", "events.example.org", True)
    assert as_browsers_read == target
    assert ".." not in target.partition("?")[0]


@SQLITE
@pytest.mark.parametrize("target", ["https://evil.example/organizer/", "//evil.example", "/\\evil.example", "/my/"])
def test_signing_in_goes_to_no_other_place(app: Flask, client: Client, target: str) -> None:
    load_dialogue(app)
    with app.app_context():
        make_organizer("owner@example.org", Role.OWNER)
        set_password("owner@example.org")
    form = client.page(f"/organizer/sign-in/?next={quote(target)}").form()
    answer = client.send(form, address="owner@example.org", password=PASSWORD)
    assert answer.headers["Location"] == "/organizer/"


@SQLITE
def test_whatever_host_is_asked_for_every_answer_is_the_same(app: Flask, smtp: MailServer) -> None:
    """Pages, files and redirects, fresh and kept; all redirects are to paths."""
    world = everybody(app, smtp)
    kept = world.browsers["owner"].get_cookie("__Host-plenary", domain="events.example.org")
    assert kept is not None
    told = {**FORGED, "Cookie": f"__Host-plenary={kept.value}; __Host-my={world.keys['participant.enter']}"}
    stranger = FlaskClient(app, app.response_class, use_cookies=False)
    for endpoint, path in world.pages():
        if endpoint in ("metrics.metrics", "organizer.set_password"):
            continue  # One refuses whoever comes by a proxy that is not declared; the other needs the newest cookie.
        plain, forged = world.ask("owner", path), stranger.get(path, base_url=f"https://{EVIL}", headers=told)
        location = plain.headers.get("Location", "/")
        assert (endpoint, location.startswith("/")) == (endpoint, True)
        assert (endpoint, forged.status_code, forged.headers.get("Location", "/")) == (
            endpoint,
            plain.status_code,
            location,
        )
        assert (endpoint, EVIL in forged.text, EVIL in str(forged.headers)) == (endpoint, False, False)


@SQLITE
def test_whatever_host_is_asked_for_mails_have_our_own_address(app: Flask, client: Client, smtp: MailServer) -> None:
    load_dialogue(app)
    stranger = FlaskClient(app, app.response_class)
    take_part(client, smtp)
    smtp.clear()
    answer = stranger.post(FIND, data={"address": AMINA}, base_url=f"https://{EVIL}", headers=FORGED)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{FIND}sent/")
    work(app)
    (mail,) = smtp.mails
    links = re.findall(r"https?://[^\s<>\"]+", mail.text)
    assert links
    assert {urlsplit(link).netloc for link in links} == {"events.example.org"}
    assert stranger.get(EVENT, base_url=f"https://{EVIL}").status_code == 200
