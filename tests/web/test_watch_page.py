"""The watch page of a session: before, during, after, and under its neutral address."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from registration.extensions import db, writing
from registration.models import Event, EventSession, Stream
from registration.models.event import EventState
from registration.models.programme import Audience, SessionState, StreamKind
from tests.conftest import LiveServer
from tests.support.browser import open_tab
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import EVENT, FIRST_START, MINUTE, SLUG, change, load_dialogue
from tests.support.event_files import SAMPLE, take_in
from tests.support.pages import Page, words

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
WATCH = f"{EVENT}sessions/human-rights/"
PAST_WATCH = "/events/dialogue-2021/sessions/human-rights/"
DOORS = FIRST_START - 15 * MINUTE
END = FIRST_START + timedelta(hours=3, minutes=15)
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app)


def add_stream(
    app: Flask, language: str, kind: StreamKind = StreamKind.LIVE, audience: Audience = Audience.PUBLIC
) -> None:
    """Let the first session be streamed in one more language, on a host of its own."""
    with app.app_context(), writing():
        session = db.session.execute(select(EventSession).filter_by(slug="human-rights")).scalar_one()
        slug = f"{kind}-{language}-{audience}"
        url = f"https://{language}.streams.example.org/"
        session.streams.append(
            Stream(
                slug=slug, position=9, kind=kind, audience=audience, language=language, label={}, url=url, categories=[]
            )
        )
        session.event.version += 1


def without_streams(app: Flask) -> None:
    """Take all streams of the first session away."""
    with app.app_context(), writing():
        session = db.session.execute(select(EventSession).filter_by(slug="human-rights")).scalar_one()
        session.streams.clear()
        session.event.version += 1


def neutral_path(app: Flask) -> str:
    """The neutral address of the first session."""
    with app.app_context():
        return f"/s/{db.session.execute(select(EventSession.code).filter_by(slug='human-rights')).scalar_one()}/"


def outside(page: Page) -> list[str]:
    """Where the links of the main part to streams lead."""
    return [str(link["href"]) for link in page.all('.stage a[target="_blank"]')]


def test_a_page_follows_its_session_though_pages_are_kept(client: Client, clock: FakeClock) -> None:
    said = {}
    for moment in (DOORS - SECOND, DOORS, END - SECOND, END):
        clock.move_to(moment)
        said[moment] = client.page(WATCH).texts(".stage p:not([hidden])")[0]
    assert said == {
        DOORS - SECOND: (
            "The session has not begun. The button to follow it appears on this page 15 minutes before the start."
        ),
        DOORS: "Watch: Floor (as spoken)",
        END - SECOND: "Watch: Floor (as spoken)",
        END: "This session is over.",
    }


@SQLITE
def test_before_it_begins_times_and_calendars_are_offered_and_no_stream(client: Client) -> None:
    page = client.page(f"{WATCH}?tz=Asia/Kathmandu")
    assert [words(row) for row in page.all(".times > div")] == [
        "Kathmandu UTC+5:45 Tuesday, 26 May 2026 19:45 – 23:00",
        "New York UTC−4 Tuesday, 26 May 2026 10:00 – 13:15",
        "UTC Tuesday, 26 May 2026 14:00 – 17:15",
    ]
    assert page.texts(".actions a") == ["Add to calendar", "Google", "Outlook", "Microsoft 365", "Yahoo"]
    assert page.texts(".actions + .help")[0].endswith("never update: if the session moves, make a new one.")
    assert client.get(page.link("Add to calendar")).mimetype == "text/calendar"
    assert page.all('a[href*="webtv.un.org"]') == []


@SQLITE
def test_the_stream_is_a_link_that_tells_its_host_nothing(client: Client, clock: FakeClock) -> None:
    clock.move_to(DOORS)
    button = client.page(WATCH).one(".stage .button")
    assert (button["href"], button["target"], button["rel"]) == (
        "https://webtv.un.org/",
        "_blank",
        ["noreferrer", "noopener"],
    )


@SQLITE
@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("", "floor"),
        ("?lang=fr", "fr"),
        ("?stream=fr", "fr"),
        ("?lang=fr&stream=sign", "sign"),
        ("?stream=xx", "floor"),
    ],
)
def test_the_stream_in_the_readers_language_comes_first(
    app: Flask, client: Client, clock: FakeClock, query: str, first: str
) -> None:
    for language in ("fr", "sign"):
        add_stream(app, language)
    clock.move_to(DOORS)
    addresses = {"floor": "https://webtv.un.org/"} | {
        language: f"https://{language}.streams.example.org/" for language in ("fr", "sign")
    }
    rest = [address for language, address in addresses.items() if language != first]
    assert outside(client.page(WATCH + query)) == [addresses[first], *rest]


@SQLITE
def test_languages_and_captions_are_those_of_the_data(app: Flask, client: Client) -> None:
    def facts() -> list[str]:
        return [words(row) for row in client.page(WATCH).all("#access + .facts > div")]

    before = facts()
    change(app, EventSession, "human-rights", captions=True)
    for language in ("fr", "sign"):
        add_stream(app, language)
    assert before == ["Languages Floor (as spoken)", "International Sign Not announced", "Live captions Not announced"]
    assert facts() == [
        "Languages Floor (as spoken), Français",
        "International Sign Yes, in a stream of its own",
        "Live captions Yes",
    ]


@SQLITE
def test_a_room_for_participants_is_not_shown_to_everybody(app: Flask, client: Client, clock: FakeClock) -> None:
    without_streams(app)
    add_stream(app, "en", audience=Audience.CONFIRMED)
    clock.move_to(DOORS)
    response = client.get(WATCH)
    assert "streams.example.org" not in response.text
    assert "This session is for confirmed participants" in Page(response).text


@SQLITE
def test_a_session_without_a_stream_says_so(app: Flask, client: Client, clock: FakeClock) -> None:
    without_streams(app)
    clock.move_to(DOORS)
    assert "No stream is announced for this session yet" in client.page(WATCH).text
    clock.move_to(END)
    assert "No recording has been published." in client.page(WATCH).text


@SQLITE
def test_after_it_there_are_recording_statements_and_documents(app: Flask, client: Client, clock: FakeClock) -> None:
    with app.app_context():
        take_in(SAMPLE)
    paper = {"label": {"en": "Programme as a paper"}, "url": "https://papers.example.org/programme"}
    with app.app_context(), writing():
        event = db.session.execute(select(Event).filter_by(slug="dialogue-2021")).scalar_one()
        event.sessions[0].documents = [paper]
        event.sessions[0].items[0].speakers[0].statement_url = "https://papers.example.org/statement"
        event.version += 1
    page = client.page(PAST_WATCH)
    assert outside(page) == ["https://webtv.un.org/"]
    assert page.link("Programme as a paper") == paper["url"]
    assert page.link("Statement") == "https://papers.example.org/statement"
    assert words(page.all("figure")[3]) == (
        "H.E. Mr. Bankole Adeoye, Commissioner for Political Affairs, Peace and Security, African Union "
        "Delivered on behalf of the above by Ambassador Osman Khamara "
        "“There is need to adopt an integrated, coordinated, multifaceted and long-term approach, one which addresses "
        "human rights, as well as the root causes of terrorism and violent extremism in our domain.”"
    )


@SQLITE
def test_a_cancelled_session_says_so(app: Flask, client: Client, clock: FakeClock) -> None:
    change(app, EventSession, "human-rights", state=SessionState.CANCELLED)
    clock.move_to(DOORS)
    page = client.page(WATCH)
    assert page.texts(".notice") == ["This session is cancelled. It does not take place at the times below."]
    assert page.all(".stage, .button.primary") == []


@SQLITE
def test_the_sessions_of_a_cancelled_event_are_cancelled(app: Flask, client: Client) -> None:
    change(app, Event, SLUG, state=EventState.CANCELLED)
    assert client.page(WATCH).texts(".notice") == [
        "This event is cancelled. It does not take place at the times below."
    ]


@SQLITE
def test_there_is_no_page_for_a_session_that_does_not_exist(client: Client) -> None:
    client.page(f"{EVENT}sessions/nothing/", 404)
    client.page("/s/nothing/", 404)


@SQLITE
def test_the_neutral_address_shows_the_session_and_leads_to_nothing_that_names_the_event(
    app: Flask, client: Client, clock: FakeClock
) -> None:
    path = neutral_path(app)
    for moment in (clock.now, DOORS, END):
        clock.move_to(moment)
        page = client.page(f"{path}?lang=en")
        named, neutral = client.page(f"{WATCH}?lang=en"), page.all("a[href]")
        assert page.title == "Online meeting"
        assert (page.heading, page.texts(".times")) == (named.heading, named.texts(".times"))
        assert outside(page) == [one for one in outside(named) if "calendar" not in one and "outlook" not in one]
        assert [link["href"] for link in neutral if SLUG in str(link["href"])] == []


def test_the_neutral_address_of_a_draft_is_nothing(app: Flask, client: Client) -> None:
    path = neutral_path(app)
    client.page(path)
    change(app, Event, SLUG, state=EventState.DRAFT)
    client.page(path, 404)


@SQLITE
def test_scripts_count_down_and_ask_anew_once_when_the_session_opens(
    browser: Browser, live_server: LiveServer, clock: FakeClock
) -> None:
    clock.move_to(DOORS - MINUTE)
    with open_tab(browser, live_server.url) as tab:
        tab.clock.install(time=clock.now - MINUTE)
        tab.clock.pause_at(clock.now)
        tab.goto(WATCH)
        expect(tab.locator(".countdown")).to_have_text("Until the start: 16 minutes, 0 seconds")
        asked: list[str] = []
        tab.on("request", lambda request: asked.append(request.url) if request.is_navigation_request() else None)
        clock.move_to(DOORS + MINUTE)
        tab.clock.run_for(59_000)
        assert asked == []
        tab.clock.run_for(31_000)
        expect(tab.locator(".stage .button")).to_have_text("Watch: Floor (as spoken)")
        assert len(asked) == 1
