"""Other sites make nobody's browser do anything here, and reading changes nothing."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from registration.domain import accounts
from registration.extensions import Base, db
from registration.models import OrganizerSession
from registration.models.organizer import Role
from registration.web.cross_site import FROM_ANYWHERE, WITHOUT_TOKEN
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import MINUTE
from tests.support.organizers import LIST, at_desk
from tests.support.routes import addresses
from tests.support.smtp import MailServer
from tests.support.subjects import Everybody, everybody

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
REFUSED = "Something in the form could not be read"
"""What the walls answer, before any view does."""
ELSEWHERE = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "same-origin, cross-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "https://events.example.org.evil.example"},
    {"Origin": "http://events.example.org"},
]


@pytest.fixture
def world(app: Flask, smtp: MailServer) -> Everybody:
    """Everybody with something to lose."""
    return everybody(app, smtp)


def token_of(client: Client, path: str) -> str:
    """The token that a page gives its forms."""
    return str(client.page(path).all("[name=csrf_token]")[0]["value"])


def guarded(app: Flask) -> Iterator[tuple[str, str]]:
    """(endpoint, path) of all that changes something and asks for a token."""
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        yield from ((name, path) for name, path in addresses(app, method) if name not in WITHOUT_TOKEN)


def browser_for(world: Everybody, endpoint: str) -> Client:
    """The browser of somebody who may send a form."""
    return world.browsers["participant" if endpoint.startswith(("participant.", "own_")) else "owner"]


@SQLITE
def test_every_form_with_authority_is_refused_without_its_own_token(app: Flask, world: Everybody) -> None:
    """For the participant's forms with the participant's cookie, for the desk's with the owner's session."""
    other = token_of(at_desk(app, Role.OWNER, address="other@example.org"), "/organizer/")
    before, checked = digest(app), 0
    for (endpoint, path), sent in itertools.product(
        guarded(app), ({}, {"csrf_token": other}, {"csrf_token": "é" * 50})
    ):
        answer = browser_for(world, endpoint).post(path, data=sent)
        assert (endpoint, answer.status_code, REFUSED in answer.text) == (endpoint, 400, True)
        checked += 1
    assert checked >= 3 * 35
    assert digest(app) == before


@SQLITE
def test_every_form_with_authority_is_refused_from_another_site_whatever_its_token(
    app: Flask, world: Everybody
) -> None:
    owner, participant = world.browsers["owner"], world.browsers["participant"]
    tokens = {owner: token_of(owner, "/organizer/"), participant: token_of(participant, "/my/")}
    before = digest(app)
    for (endpoint, path), told in itertools.product(guarded(app), ELSEWHERE):
        browser = browser_for(world, endpoint)
        answer = browser.post(path, data={"csrf_token": tokens[browser]}, headers=told)
        assert (endpoint, told, answer.status_code, REFUSED in answer.text) == (endpoint, told, 400, True)
    assert digest(app) == before


@SQLITE
@pytest.mark.parametrize(
    "told",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "null"},
        {"Origin": "https://events.example.org"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
    ],
)
def test_with_its_token_and_from_here_a_form_is_taken(world: Everybody, told: dict[str, str]) -> None:
    participant = world.browsers["participant"]
    data = {"csrf_token": token_of(participant, "/my/")}
    assert participant.post("/my/links/feed/renew/", data=data, headers=told).status_code == 303


@SQLITE
def test_only_forms_without_authority_ask_for_no_token(app: Flask) -> None:
    """Each is named in the code with the reason; no cookie makes a difference to them."""
    assert set(WITHOUT_TOKEN) == {
        "signup.submit",
        "signup.send_link",
        "signup.prove",
        "signup.erase_unproved",
        "unsubscribe.stop",
        "unsubscribe.undo",
    }
    assert all(WITHOUT_TOKEN.values())
    paths = {name: path for name, path in addresses(app, "POST") if name in WITHOUT_TOKEN}
    for endpoint, path in paths.items():
        client = app.test_client()
        answer = client.post(path, headers={"Sec-Fetch-Site": "cross-site"})
        assert (endpoint, REFUSED in answer.text) == (endpoint, endpoint not in FROM_ANYWHERE)
        assert client.get_cookie("__Host-plenary", domain="events.example.org") is None


@SQLITE
def test_the_log_tells_of_forms_that_were_refused(world: Everybody, caplog: pytest.LogCaptureFixture) -> None:
    world.browsers["owner"].post(f"{LIST}search", data={"search": "Amina"})
    assert [one.getMessage() for one in caplog.records if one.name == "plenary.security"] == [
        "form_refused page=organizer.search"
    ]


@SQLITE
def test_the_log_tells_of_pages_that_were_refused(
    app: Flask, world: Everybody, caplog: pytest.LogCaptureFixture
) -> None:
    assert world.browsers["viewer"].get(LIST).status_code == 403
    with app.app_context():
        viewer = accounts.organizer_with("viewer@example.org").public_id
    assert [one.getMessage() for one in caplog.records if one.name == "plenary.security"] == [
        f"access_refused account={viewer} page=organizer.attendees event=dialogue-next"
    ]


def digest(app: Flask) -> dict[str, str]:
    """What stands in each table, in short; of a session at the desk not when it was used last."""
    with app.app_context():
        told = {}
        for table in Base.metadata.sorted_tables:
            columns = [one for one in table.columns if one is not OrganizerSession.__table__.c.seen_at]
            rows = sorted(repr(tuple(row)) for row in db.session.execute(select(*columns)))
            told[table.name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
        return told


def test_reading_changes_nothing_whoever_reads(app: Flask, smtp: MailServer, clock: FakeClock) -> None:
    """Every route that takes GET or HEAD, with keys that open something (ASVS 3.5.3)."""
    world = everybody(app, smtp)
    clock.advance(5 * MINUTE)  # Sessions at the desk are written down as used, and nothing else is.
    before, found = digest(app), set()
    for method in ("GET", "HEAD"):
        for (endpoint, path), who in itertools.product(world.pages(method), world.browsers):
            status = world.ask(who, path, method).status_code
            assert status < 500, (endpoint, who)
            found |= {endpoint} if status == 200 else set()
    assert digest(app) == before
    redirecting = {"participant.enter", "organizer.password"}
    assert {name for name, _path in world.pages()} - found == redirecting
