"""One whole walk in a real browser and with real mail: from the event's page to a confirmed participant who leaves."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from icalendar import Calendar
from playwright.sync_api import Browser, Page, expect

from tests.conftest import LiveServer
from tests.support.browser import open_tab
from tests.support.dialogue import AMINA, EVENT, FIRST_START, link_in, load_dialogue, work
from tests.support.smtp import MailServer

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def press_until(page: Page, name: str) -> None:
    """Go on by the tab key until the field called `name` has the focus."""
    for _press in range(60):
        if page.evaluate("document.activeElement.name") == name:
            return
        page.keyboard.press("Tab")
    pytest.fail(f"the tab key does not reach {name!r}")


def fill_by_keyboard(page: Page) -> None:
    """Fill in the form of civil society organizations, and send it, without a mouse."""
    for name, words in (("name", "Amina"), ("address", AMINA), ("question_organization", "Example Society")):
        press_until(page, name)
        page.keyboard.type(words)
    press_until(page, "question_country")
    page.keyboard.type("Nepal")
    press_until(page, "question_ecosoc_status")
    page.keyboard.press("Space")
    press_until(page, "captions")
    page.keyboard.press("Space")
    press_until(page, "consent")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")


def test_from_the_event_page_to_a_cancelled_registration(
    browser: Browser, live_server: LiveServer, smtp: MailServer, tmp_path: Path
) -> None:
    load_dialogue(live_server.app)
    with open_tab(browser, live_server.url, timezone_id="Asia/Kathmandu", accept_downloads=True) as page:
        page.goto(EVENT)
        page.get_by_role("link", name="Register").first.click()
        page.get_by_role("link", name="Civil society organization").click()

        expect(page.locator("select[name=zone]")).to_have_value("Asia/Kathmandu")
        fill_by_keyboard(page)
        expect(page.get_by_role("heading", level=1)).to_have_text("Look at your mail")

        assert work(live_server.app) == 1
        page.goto(link_in(smtp.last_to(AMINA), "/prove/"))
        expect(page.get_by_text("Amina")).to_be_visible()
        page.get_by_role("button", name="Yes, this is me").click()
        expect(page.get_by_text("You are registered.")).to_be_visible()
        assert urlsplit(page.url).path == "/my/"
        expect(page.get_by_text("Tuesday, 26 May 2026 19:45 – 23:00").first).to_be_visible()

        assert work(live_server.app) == 1
        assert "Tuesday, 26 May 2026, 19:45 – 23:00 (Kathmandu, UTC+5:45)" in smtp.last_to(AMINA).text

        page.locator("select[name=zone]").select_option("Europe/Zurich")
        page.get_by_role("button", name="Keep these changes").click()
        expect(page.get_by_role("status")).to_have_text("Your changes are kept; a mail says so too.")
        expect(page.get_by_text("Tuesday, 26 May 2026 16:00 – 19:15").first).to_be_visible()

        with page.expect_download() as download:
            page.get_by_role("link", name="Calendar file (.ics)").first.click()
        file = tmp_path / download.value.suggested_filename
        download.value.save_as(file)
        (entry,) = Calendar.from_ical(file.read_bytes()).walk("VEVENT")
        assert (file.name, entry.start) == ("dialogue-next-human-rights.ics", FIRST_START)

        page.get_by_role("button", name="Cancel my registration").click()
        expect(page.get_by_text("You have cancelled your registration.")).to_be_visible()

    work(live_server.app)
    assert [mail.subject.partition(":")[0] for mail in smtp.to(AMINA)][-1] == "Your registration is cancelled"


def test_what_is_wrong_is_one_click_away_from_the_summary(browser: Browser, live_server: LiveServer) -> None:
    load_dialogue(live_server.app)
    with open_tab(browser, live_server.url, java_script_enabled=False) as page:
        page.goto(f"{EVENT}register/youth/")
        page.get_by_role("button", name="Register").click()
        page.get_by_role("alert").get_by_role("link", name="Name").click()
        expect(page.get_by_label("Name")).to_be_in_viewport()


@pytest.mark.parametrize("scripts", [True, False])
def test_the_form_works_with_and_without_scripts(
    browser: Browser, live_server: LiveServer, smtp: MailServer, scripts: bool
) -> None:
    load_dialogue(live_server.app)
    with open_tab(browser, live_server.url, java_script_enabled=scripts) as page:
        page.goto(f"{EVENT}register/youth/")
        page.get_by_label("Name").fill("Amina")
        page.get_by_label("Mail address").fill(AMINA)
        page.locator("select[name=zone]").select_option("Asia/Kathmandu")
        page.get_by_label("I have read the privacy notice and agree").check()
        page.get_by_role("button", name="Register").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Look at your mail")
    assert work(live_server.app) == 1
