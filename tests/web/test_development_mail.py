"""A development machine without a mail server: mails go into a folder, which a page shows as a mail program would."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page as Tab
from werkzeug.test import Client as PlainClient

from config import Settings
from tests.conftest import LiveServer, MakeSettings
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import AMINA, MINUTE, REGISTER, answers, load_dialogue, sign_up, work
from tests.support.smtp import MailServer

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FOLDER = "/development/mail/"


@pytest.fixture
def settings(make_settings: MakeSettings, database_url: str, tmp_path: Path) -> Settings:
    """Those of a development machine that has no mail server."""
    production = make_settings(database_url)
    return replace(
        production,
        env="development",
        public_url="http://localhost",
        mail_server="",
        instance_path=tmp_path / "instance",
    )


@pytest.fixture
def mailed(app: Flask, client: Client) -> Client:
    """A visitor of a machine on which Amina was sent the link that proves her address."""
    load_dialogue(app)
    sign_up(client)
    work(app)
    return client


def test_the_folder_is_empty_at_first(client: Client) -> None:
    assert "There is none yet." in client.page(FOLDER).text


def test_nothing_is_sent_to_a_mail_server(mailed: Client, smtp: MailServer) -> None:
    assert smtp.mails == []


def test_the_folder_lists_the_newest_first(app: Flask, mailed: Client, clock: FakeClock) -> None:
    clock.advance(MINUTE)
    sign_up(mailed, address="other@example.org")
    work(app)
    assert [entry.split(" · ") for entry in mailed.page(FOLDER).texts(".mails .quiet")] == [
        ["other@example.org", "Monday, 2 March 2026, 15:01 (UTC)"],
        [AMINA, "Monday, 2 March 2026, 15:00 (UTC)"],
    ]


def test_a_mail_is_shown_with_its_links_and_files(app: Flask, mailed: Client) -> None:
    page = mailed.page(mailed.page(FOLDER).all(".mails a")[0]["href"])
    assert page.heading.startswith("Confirm your registration: Virtual Dialogue")
    (link,) = [str(one["href"]) for one in page.all("pre a") if "/prove/" in one["href"]]
    mailed.submit(mailed.page(link).form())
    work(app)
    paths = [mailed.page(str(one["href"])) for one in mailed.page(FOLDER).all(".mails a")]
    confirmed = next(one for one in paths if one.heading.startswith("You are registered"))
    assert confirmed.texts("h2") == [
        "As text",
        "dialogue-next-human-rights.ics",
        "dialogue-next-civil-society.ics",
    ]
    file = mailed.get(confirmed.link("dialogue-next-human-rights.ics"))
    assert (file.headers["Content-Type"], file.data[:15]) == ('text/calendar; charset="utf-8"', b"BEGIN:VCALENDAR")


def test_a_mails_html_is_shut_in(mailed: Client) -> None:
    page = mailed.page(mailed.page(FOLDER).all(".mails a")[0]["href"])
    body = PlainClient(mailed.application).get(str(page.one("iframe")["src"]))
    assert [rule.split()[0] for rule in body.headers["Content-Security-Policy"].split("; ")] == [
        "default-src",
        "style-src",
        "form-action",
        "base-uri",
        "frame-ancestors",
        "sandbox",
    ]


@pytest.mark.parametrize("path", ["no-such/", "no-such/body.html", "no-such/files/0", "..%2f..%2fsecrets/"])
def test_what_is_not_in_the_folder_is_not_shown(client: Client, path: str) -> None:
    assert client.get(FOLDER + path).status_code == 404


def test_an_attachment_that_is_not_there_is_not_shown(mailed: Client) -> None:
    path = mailed.page(FOLDER).all(".mails a")[0]["href"]
    assert mailed.get(f"{path}files/0").status_code == 404


def test_a_mail_can_be_read_and_its_link_followed_in_a_browser(tab: Tab, live_server: LiveServer) -> None:
    load_dialogue(live_server.app)
    assert live_server.app.test_client().post(f"{REGISTER}youth/", data=answers()).status_code == 303
    work(live_server.app)
    tab.goto(FOLDER)
    tab.get_by_role("link", name="Confirm your registration").click()
    with tab.context.expect_page() as opened:
        tab.frame_locator("iframe").get_by_role("link", name="Confirm my registration").click()
    page = opened.value
    page.get_by_role("button", name="Yes, this is me").click()
    page.get_by_text("You are registered.").wait_for()


def test_a_fault_is_logged_with_all_it_says_but_no_key(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    app.testing = False
    app.view_functions["participant.enter"] = lambda key: 1 / 0
    key = "Ab0_-" * 8 + "wxyZ"
    assert app.test_client().get(f"/my/{key}/").status_code == 500
    assert [one.getMessage() for one in caplog.records] == ["fault at GET /my/***/"]
    assert ("ZeroDivisionError" in caplog.text, key in caplog.text) == (True, False)
