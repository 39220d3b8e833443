"""The event's public page, the list and the privacy notice: what they say, when, and that any cache may hold them."""

from __future__ import annotations

import gzip
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pytest
import pytz
from flask import Flask
from playwright.sync_api import Browser
from werkzeug.test import Client as Visitor

from registration.extensions import db
from registration.models import Event, EventSession
from registration.models.event import EventState
from registration.models.programme import SessionState
from tests.conftest import LiveServer
from tests.support.browser import open_tab
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import EVENT, LAST_END, MINUTE, REGISTER, SLUG, change, load_dialogue
from tests.support.event_files import SAMPLE, take_in
from tests.support.pages import Page, words

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SECOND = timedelta(seconds=1)
PAST = "/events/dialogue-2021/"
PAST_END = datetime(2021, 5, 26, 16, 30, tzinfo=pytz.utc)
WIRE_BUDGET = 20 * 1024


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app)


def times_of(page: Page, session: int = 0) -> list[str]:
    """The rows of a session's times, as a reader sees them."""
    return [words(row) for row in page.all(".advisory .times")[session].select(":scope > div")]


def event_with(app: Flask, name: str) -> datetime:
    """A date of the Dialogue's."""
    with app.app_context():
        moment: datetime = db.session.execute(db.select(getattr(Event, name)).filter_by(slug=SLUG)).scalar_one()
        return moment


def weight_of(app: Flask, address: str) -> int:
    """The bytes of an answer as it goes over the wire, its headers included."""
    response = Visitor(app).get(address, headers={"Accept-Encoding": "gzip, deflate, br, zstd"})
    assert response.status_code == 200
    return len(response.data) + sum(len(f"{name}: {value}\r\n") for name, value in response.headers)


@SQLITE
def test_the_page_answers_the_questions_of_a_media_advisory_in_their_order(client: Client) -> None:
    page = client.page(EVENT)
    assert page.texts(".advisory h2") == [
        "What",
        "Who",
        "When",
        "Where",
        "Register",
        "Background",
        "Programme",
        "Contacts",
    ]
    assert page.heading == (
        "Virtual Dialogue with Human Rights and Civil Society Partners "
        "on Building a Better Paradigm to Prevent and Counter Terrorism"
    )
    assert words(page.one(".lead")) == "26–27 May 2026, New York time"
    assert page.link("webtv.un.org") == "https://webtv.un.org/"


@SQLITE
def test_each_time_stands_in_new_york_and_in_utc(client: Client) -> None:
    page = client.page(EVENT)
    assert times_of(page, 0) == [
        "New York UTC−4 Tuesday, 26 May 2026 10:00 – 13:15",
        "UTC Tuesday, 26 May 2026 14:00 – 17:15",
    ]
    assert times_of(page, 1) == [
        "New York UTC−4 Wednesday, 27 May 2026 09:00 – 12:30",
        "UTC Wednesday, 27 May 2026 13:00 – 16:30",
    ]


@SQLITE
def test_without_scripts_a_form_leads_to_the_readers_own_zone(client: Client) -> None:
    page = client.submit(client.page(EVENT).form("form.zones"), 200, tz="Asia/Kathmandu")
    assert times_of(page)[0] == "Kathmandu UTC+5:45 Tuesday, 26 May 2026 19:45 – 23:00"
    assert words(page.one("#tz [selected]")) == "Kathmandu"


@SQLITE
def test_the_date_is_said_again_where_it_differs(client: Client) -> None:
    page = client.page(f"{EVENT}?tz=Pacific/Auckland")
    assert times_of(page) == [
        "Auckland UTC+12 Wednesday, 27 May 2026 02:00 – 05:15",
        "New York UTC−4 Tuesday, 26 May 2026 10:00 – 13:15",
        "UTC Tuesday, 26 May 2026 14:00 – 17:15",
    ]
    over_midnight = client.page(f"{EVENT}?tz=Asia/Shanghai")
    assert times_of(over_midnight)[0] == ("Shanghai UTC+8 Tuesday, 26 May 2026 22:00 – Wednesday, 27 May 2026 01:15")


@SQLITE
@pytest.mark.parametrize("path", [EVENT, f"{EVENT}sessions/human-rights/"])
def test_a_zone_that_does_not_exist_is_answered_beside_the_list_and_nowhere_else(client: Client, path: str) -> None:
    sentences = {
        query: client.page(f"{path}{query}").texts(".zones .error")
        for query in ("", "?tz=Mars/Olympus", "?tz=Asia/Tokyo", "?tz=", "?tz=Mars/Phobos")
    }
    sentence = ["There is no such time zone; choose one from the list."]
    assert sentences == {
        "": [],
        "?tz=Mars/Olympus": sentence,
        "?tz=Asia/Tokyo": [],
        "?tz=": [],
        "?tz=Mars/Phobos": sentence,
    }
    assert client.get(path).data != client.get(f"{path}?tz=Mars/Olympus").data


@SQLITE
def test_a_chosen_zone_goes_along_to_the_form_and_back(client: Client) -> None:
    page = client.page(f"{EVENT}?tz=Asia/Manila")
    directly = client.page(page.link("Youth"))
    through_categories = client.page(client.page(page.link("Register")).link("Youth"))
    assert (directly.form().values["zone"], through_categories.form().values["zone"]) == ("Asia/Manila", "Asia/Manila")
    assert page.form("form.zones").action == f"{client.public_url}{EVENT}"
    assert "tz=" not in client.page(EVENT).link("Register")


@SQLITE
def test_the_short_list_has_the_cities_that_people_look_for_and_not_the_events_own(client: Client) -> None:
    offered = set(client.page(EVENT).texts("#tz option"))
    assert offered >= {
        "Accra", "Addis Ababa", "Bangkok", "Beirut", "Brussels", "Jakarta", "Lima", "Madrid", "Manila", "Nairobi",
        "Rome", "Santiago", "Vienna", "Zurich",
    }  # fmt: skip
    assert offered.isdisjoint({"Araguaina", "Barnaul", "Eucla", "New York"})


@SQLITE
def test_a_zone_outside_the_short_list_stays_chosen(client: Client) -> None:
    assert client.page(f"{EVENT}?tz=Pacific/Chatham").form("form.zones").values["tz"] == "Pacific/Chatham"
    assert client.page(f"{EVENT}?tz=America/New_York").form("form.zones").values["tz"] == ""


@SQLITE
def test_speakers_stand_with_how_they_take_part(client: Client) -> None:
    page = client.page(EVENT)
    people = page.texts(".people li")
    assert people[:6] == [
        "Mr. Vladimir Voronkov, Under-Secretary-General for Counter-Terrorism, "
        "United Nations Office of Counter-Terrorism (UNOCT)Moderator",
        "H.E. Ms. Arancha González Laya, Minister of Foreign Affairs, SpainKeynote speaker",
        "Ms. Michelle Bachelet, High Commissioner for Human Rights, United NationsVideo message",
        "H.E. Mr. Bankole Adeoye, Commissioner for Political Affairs, Peace and Security, African Union"
        "Delivered on behalf of the above by Ambassador Osman Khamara",
        "H.E. Ms. Ylva Johansson, Commissioner for Home Affairs, European Union",
        "Ms. Åsa Regnér, Assistant Secretary-General and Deputy Executive Director, UN WomenTo be confirmed",
    ]


def test_registration_opens_and_closes_at_its_dates_though_pages_are_kept(
    app: Flask, client: Client, clock: FakeClock
) -> None:
    change(app, Event, SLUG, registration_opens=clock.now + timedelta(days=1))
    opens, closes = event_with(app, "registration_opens"), event_with(app, "registration_closes")
    said = {}
    for moment in (opens - SECOND, opens, closes - SECOND, closes):
        clock.move_to(moment)
        page = client.page(EVENT)
        said[moment] = words(page.all(".register p")[0]), bool(page.all(f'.register a[href="{REGISTER}"]'))
    assert said == {
        opens - SECOND: ("Registration opens on:", False),
        opens: ("Registration is open until:", True),
        closes - SECOND: ("Registration is open until:", True),
        closes: ("Registration is closed.", False),
    }


@SQLITE
def test_each_category_says_whether_it_is_open_or_reviewed(client: Client) -> None:
    page = client.page(EVENT)
    assert page.texts(".entries li")[:4] == [
        "Member State reviewed",
        "UN entity reviewed",
        "Human rights representative reviewed",
        "Women-led organization open",
    ]
    assert urlsplit(page.link("Youth")).path == f"{REGISTER}youth/"


@SQLITE
def test_press_release_and_quotes_appear_when_the_last_session_has_ended(
    app: Flask, client: Client, clock: FakeClock
) -> None:
    with app.app_context():
        take_in(SAMPLE)
    clock.move_to(PAST_END - SECOND)
    before = client.page(PAST)
    clock.move_to(PAST_END)
    after = client.page(PAST)
    assert ("Press release" in before.texts("h2"), len(before.all("blockquote"))) == (False, 0)
    assert "Respect for human rights and the rule of law are central to fighting terrorism effectively" in (
        after.texts("h3")
    )
    assert after.texts("blockquote")[3] == (
        "“There is need to adopt an integrated, coordinated, multifaceted and long-term approach, one which addresses "
        "human rights, as well as the root causes of terrorism and violent extremism in our domain.”"
    )


def test_an_edit_shows_at_once(app: Flask, client: Client) -> None:
    client.page(EVENT)
    change(app, EventSession, "human-rights", title={"en": "Another opening"})
    assert client.page(EVENT).texts(".advisory .session h3")[0] == "Another opening"


def test_nobody_sees_a_draft(app: Flask, client: Client) -> None:
    client.page(EVENT)
    change(app, Event, SLUG, state=EventState.DRAFT)
    for path in (EVENT, f"{EVENT}privacy/", f"{EVENT}sessions/human-rights/"):
        client.page(path, 404)
    assert client.page("/").texts("h3") == []


@SQLITE
def test_a_cancelled_event_says_so_and_takes_nobody(app: Flask, client: Client) -> None:
    change(app, Event, SLUG, state=EventState.CANCELLED)
    page = client.page(EVENT)
    assert words(page.one("header .notice")) == "This event is cancelled."
    assert page.all('a[href*="/register/"], a[href$=".ics"], .register a') == []
    assert "This event is cancelled." in client.page("/").text


@SQLITE
def test_a_cancelled_session_says_so(app: Flask, client: Client) -> None:
    change(app, EventSession, "civil-society", state=SessionState.CANCELLED)
    assert client.page(EVENT).texts(".session .notice") == ["This session is cancelled."]


@SQLITE
def test_the_list_moves_an_event_to_the_past_when_it_is_over(client: Client, clock: FakeClock) -> None:
    clock.move_to(LAST_END - SECOND)
    before = client.page("/").texts("h2")
    clock.move_to(LAST_END)
    assert (before, client.page("/").texts("h2")) == (["Coming"], ["Past"])


@SQLITE
def test_a_sample_says_that_it_is_one_and_brings_nobody_to_write_to_its_contacts(client: Client) -> None:
    page = client.page(EVENT)
    assert page.texts(".sample")[0].startswith("This page is a sample")
    assert "Ms. Laurence Gerard, gerardl@un.org" in page.text
    assert page.all('a[href^="mailto:"]') == []


@SQLITE
def test_text_without_translation_is_marked_with_its_language(client: Client) -> None:
    page = client.page(f"{EVENT}?lang=ar")
    html = page.one("html")
    assert (html["lang"], html["dir"]) == ("ar", "rtl")
    background = page.one("#background + div p")
    assert (background["lang"], background["dir"]) == ("en", "ltr")
    assert page.one("h1").get("lang") is None


@SQLITE
def test_the_privacy_notice_names_the_day_on_which_data_goes(client: Client, clock: FakeClock) -> None:
    sentence = "All personal data of this event {} deleted on Friday, 26 June 2026. Numbers without names remain."
    assert sentence.format("is") in client.page(f"{EVENT}privacy/").text
    clock.move_to(LAST_END + timedelta(days=30))
    assert sentence.format("was") in client.page(f"{EVENT}privacy/").text


PUBLIC = ("/", EVENT, f"{EVENT}privacy/", f"{EVENT}sessions/human-rights/", f"{EVENT}?lang=fr&tz=Asia/Tokyo")


@SQLITE
@pytest.mark.parametrize("path", PUBLIC)
def test_any_cache_may_hold_a_public_page(client: Client, path: str) -> None:
    for _time in ("made", "kept"):
        response = client.get(path, headers={"Cookie": "plenary=something; my=key"})
        assert response.headers["Cache-Control"] == "public, max-age=60"
        assert response.headers["Vary"] == "Accept-Encoding"
        assert "Set-Cookie" not in response.headers
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")


@SQLITE
def test_caches_forget_a_page_by_the_moment_it_changes(client: Client, clock: FakeClock) -> None:
    clock.move_to(LAST_END - timedelta(seconds=20))
    assert client.get(EVENT).headers["Cache-Control"] == "public, max-age=20"


def test_who_has_the_page_is_told_so_until_it_changes(app: Flask, client: Client) -> None:
    etag = client.get(EVENT).headers["ETag"]
    again = client.get(EVENT, headers={"If-None-Match": etag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)
    change(app, Event, SLUG, hashtag="#Another")
    assert client.get(EVENT, headers={"If-None-Match": etag}).status_code == 200


@SQLITE
def test_a_page_is_packed_for_those_who_take_it(app: Flask) -> None:
    visitor = Visitor(app)
    plain = visitor.get(EVENT, headers={"Accept-Encoding": "gzip;q=0"})
    packed = visitor.get(EVENT, headers={"Accept-Encoding": "br, gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert visitor.head(EVENT).headers["Content-Length"] == str(len(plain.data))


@SQLITE
def test_what_else_stands_in_the_address_leaves_no_trace(client: Client) -> None:
    assert client.get(f"{EVENT}?campaign=somebody").data == client.get(EVENT).data
    assert client.get(f"{EVENT}?lang=xx&tz=").data == client.get(EVENT).data


@SQLITE
def test_a_first_visit_is_light(app: Flask, client: Client) -> None:
    loaded = client.page(EVENT).all("link[href], script[src]")
    addresses = [EVENT, *(str(one.get("href") or one["src"]) for one in loaded)]
    assert len(addresses) == 4
    assert sum(weight_of(app, address) for address in addresses) <= WIRE_BUDGET


@SQLITE
def test_scripts_add_the_readers_own_zone(browser: Browser, live_server: LiveServer) -> None:
    with open_tab(browser, live_server.url, timezone_id="Asia/Kathmandu") as tab:
        tab.goto(EVENT)
        own = tab.locator(".advisory .times").first.locator("div").first
        assert " ".join(own.inner_text().split()) == ("Kathmandu UTC+5:45 your time Tuesday, 26 May 2026 19:45 – 23:00")
    with open_tab(browser, live_server.url, timezone_id="America/Toronto") as tab:
        tab.goto(EVENT)
        assert tab.locator(".advisory .times").first.locator("div").count() == 2


@SQLITE
def test_registration_stands_in_the_zones_of_the_sessions_too(client: Client) -> None:
    page = client.page(f"{EVENT}?tz=Asia/Kathmandu")
    assert [words(row) for row in page.all(".register .times > div")] == [
        "Kathmandu UTC+5:45 Wednesday, 27 May 2026 22:15",
        "New York UTC−4 Wednesday, 27 May 2026 12:30",
        "UTC Wednesday, 27 May 2026 16:30",
    ]


@SQLITE
def test_who_subscribes_is_told_how_rarely_some_programs_look(client: Client) -> None:
    feed = next(words(one) for one in client.page(EVENT).all("p") if one.select('a[href$="calendar.ics"]'))
    assert feed.endswith("Some calendar programs fetch it only once a day.")


@SQLITE
def test_a_session_can_be_watched_from_a_quarter_of_an_hour_before(client: Client, clock: FakeClock) -> None:
    starts = datetime(2026, 5, 26, 14, tzinfo=pytz.utc)
    clock.move_to(starts - 15 * MINUTE - SECOND)
    before = client.page(EVENT).texts(".session .button")
    clock.move_to(starts - 15 * MINUTE)
    assert (before, client.page(EVENT).texts(".session .button")) == ([], ["Watch now"])
