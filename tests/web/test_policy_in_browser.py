"""What a real browser makes of our policies: every page without a complaint, no frame, no form to or from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.conftest import LiveServer
from tests.support.browser import open_tab
from tests.support.ports import HERE
from tests.support.smtp import MailServer
from tests.support.subjects import MAIL_BODIES, Everybody, everybody

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FILES = (".ics", ".css", "z", "/metrics")


@pytest.fixture
def world(live_server: LiveServer, smtp: MailServer) -> Everybody:
    return everybody(live_server.app, smtp)


NO_PAGES = {*MAIL_BODIES, "organizer.password", "organizer.set_password", "own_data.copy"}
"""Mails in their frame, what only a one-time link opens, and a download."""


@pytest.fixture
def owner_tab(world: Everybody, browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    """A tab in which an owner is signed in and Amina's own page is open."""
    kept = world.browsers["owner"].get_cookie("plenary", domain=HERE)
    assert kept is not None
    with open_tab(browser, live_server.url) as tab:
        values = {"plenary": kept.value, "my": world.keys["participant.enter"]}
        tab.context.add_cookies([{"name": name, "value": one, "url": live_server.url} for name, one in values.items()])
        yield tab


def test_no_page_breaks_its_own_policy(world: Everybody, owner_tab: Page) -> None:
    """The tab fails at its end if the console complained: of a policy, of a feature that is none, of a file."""
    shown = 0
    for endpoint, path in world.pages():
        if path.endswith(FILES) or endpoint in {
            *MAIL_BODIES,
            "organizer.password",
            "organizer.set_password",
            "own_data.copy",
        }:
            continue
        answer = owner_tab.goto(path)
        assert answer is not None
        assert (endpoint, answer.status) == (endpoint, 200)
        shown += 1
    assert shown > 25
    names = "['camera', 'geolocation', 'microphone', 'payment', 'usb', 'fullscreen', 'autoplay', 'midi', 'serial']"
    assert owner_tab.evaluate(f"{names}.filter((one) => document.featurePolicy.allowsFeature(one))") == []


def blocked(tab: Page, script: str) -> set[str]:
    """Run a script, as somebody would who had found a way in; answers the directives that stood before it."""
    watched = f"""() => new Promise((done) => {{
      document.addEventListener("securitypolicyviolation", (one) => done([one.effectiveDirective]));
      setTimeout(() => done(["nothing"]), 3000);
      {script};
    }})"""
    return set(tab.evaluate(watched))


ADD = "const one = document.createElement('{}'); {} document.body.append(one)"
WAYS = {
    "script-src-elem": ADD.format("script", "one.textContent = 'window.in = 1';"),
    "style-src-elem": ADD.format("style", "one.textContent = 'body { display: none }';"),
    "style-src-attr": "document.body.setAttribute('style', 'display: none')",
    "img-src": ADD.format("img", "one.src = 'https://evil.example/x.png';"),
    "connect-src": "fetch('/').catch(() => 0)",
    "frame-src": ADD.format("iframe", "one.src = '/';"),
    "object-src": ADD.format("object", "one.data = '/';"),
    "base-uri": "const one = document.createElement('base'); one.href = 'https://evil.example/'; "
    "document.head.append(one)",
    "form-action": ADD.format("form", "one.action = 'https://evil.example/'; one.method = 'post';") + "; one.submit()",
    "worker-src": "try { new Worker('/static/watch.js') } catch {}",
    "media-src": ADD.format("video", "one.src = 'https://evil.example/x.mp4';"),
}
"""What injected HTML would try, by the directive that stands before it."""


@pytest.mark.parametrize("directive", WAYS)
def test_what_somebody_slips_into_a_page_does_nothing(
    browser: Browser, live_server: LiveServer, directive: str
) -> None:
    with browser.new_context(base_url=live_server.url) as context:
        tab = context.new_page()
        tab.goto("/organizer/sign-in/")
        assert blocked(tab, WAYS[directive]) == {directive}


@pytest.mark.parametrize("path", ["/", "/organizer/sign-in/", "/organizer/"])
def test_no_page_lets_itself_be_framed(browser: Browser, live_server: LiveServer, path: str) -> None:
    with browser.new_context() as context:
        tab = context.new_page()
        tab.route("https://evil.example/", lambda route: route.fulfill(body=FRAME.format(live_server.url, path)))
        tab.goto("https://evil.example/", wait_until="load")
        frame = tab.frames[1]
        assert frame.url.startswith("chrome-error://")


FRAME = "<!doctype html><title>x</title><iframe src='{}{}'></iframe>"


def test_another_site_cannot_send_a_form_of_the_desk(
    world: Everybody, browser: Browser, live_server: LiveServer
) -> None:
    """Not even with the session's own token, and were the cookie sent: the browser says where it comes from."""
    owner = world.browsers["owner"]
    token = owner.page("/organizer/").form("header form").values["csrf_token"]
    kept = owner.get_cookie("plenary", domain=HERE)
    assert kept is not None
    with browser.new_context() as context:
        context.add_cookies([{"name": "plenary", "value": kept.value, "url": live_server.url, "sameSite": "Lax"}])
        tab = context.new_page()
        form = (
            f"<!doctype html><title>x</title><form method=post action='{live_server.url}/organizer/sign-out/'>"
            f"<input name=csrf_token value='{token}'><button>x</button></form>"
        )
        tab.route("https://evil.example/", lambda route: route.fulfill(body=form, content_type="text/html"))
        tab.goto("https://evil.example/")
        with tab.expect_navigation() as sent:
            tab.click("button")
        assert sent.value.status == 400
    assert owner.get("/organizer/").status_code == 200
