"""No page at an address with a key tells that address to anybody: a real browser opens it and goes on from there."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request

from registration import clock
from registration.domain import accounts
from registration.extensions import writing
from registration.models.organizer import Role
from tests.conftest import LiveServer
from tests.support.browser import open_tab
from tests.support.dialogue import AMINA, load_dialogue, sign_up_by_rule
from tests.support.keys import DOORS, PASSWORD, keys_of, password_key

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ODA = "oda@example.org"
OPENED = [door for door in DOORS if door.method == "GET" and not door.path.endswith(".ics")]


@pytest.fixture
def keys(live_server: LiveServer) -> dict[str, str]:
    load_dialogue(live_server.app)
    with live_server.app.app_context():
        sign_up_by_rule(AMINA, now=clock.now())
        with writing():
            accounts.add_organizer(ODA, Role.OWNER, None, now=clock.now())
    return {**keys_of(live_server.app, AMINA), PASSWORD: password_key(live_server.app, ODA)}


@pytest.fixture
def seen(browser: Browser, live_server: LiveServer) -> Iterator[tuple[Page, list[Request]]]:
    """A tab, and all that it has asked for so far."""
    asked: list[Request] = []

    def note(request: Request) -> None:
        asked.append(request)

    with open_tab(browser, live_server.url) as page:
        page.on("request", note)
        yield page, asked


def test_neither_what_a_page_loads_nor_where_it_leads_is_told_its_address(
    seen: tuple[Page, list[Request]], keys: dict[str, str]
) -> None:
    page, asked = seen
    for door in OPENED:
        page.goto(door.path.format(keys[door.kind]))
        page.get_by_role("link", name="Plenary").click()
        page.wait_for_url("/")
    loaded = {urlsplit(request.url).path for request in asked}
    assert {"/static/plenary.css", "/"} < loaded
    assert [(one.url, one.all_headers()["referer"]) for one in asked if "referer" in one.all_headers()] == []


def test_where_a_link_becomes_a_cookie_the_browser_remembers_no_key(
    seen: tuple[Page, list[Request]], keys: dict[str, str]
) -> None:
    page, _asked = seen
    for path, kind, after in (
        ("/my/{}/", "manage", "/my/"),
        ("/organizer/password/{}/", PASSWORD, "/organizer/password/"),
    ):
        page.goto("/")
        page.goto(path.format(keys[kind]))
        assert urlsplit(page.url).path == after
        assert keys[kind] not in page.content()
        assert page.evaluate("document.cookie") == ""
        page.go_back()
        assert urlsplit(page.url).path == "/"
