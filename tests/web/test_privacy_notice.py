"""The privacy notice that an event's own data makes: it names just what this event asks."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import update

from registration.domain.event_file import import_event
from registration.extensions import db, writing
from registration.models import Category, Event
from registration.web.display import LANGUAGES
from tests.support.client import Client
from tests.support.dialogue import EVENT, load_dialogue
from tests.support.event_files import LATER, NOW, SMALL
from tests.support.pages import Page

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

COUNTRY = "      - name: country\n        kind: country\n        label: Country\n        help: Where you live.\n"
ORGANIZATION = "      - name: organization\n        kind: text\n        label: Where you work\n"
ALWAYS = {"Your name", "Your mail address", "Your category", "What you need", "Your sessions, language and time zone"}


@pytest.fixture
def notice(app: Flask, client: Client) -> Notice:
    """The notice of an event like the small one."""
    return Notice(app, client)


class Notice:
    """Takes in an event and reads its notice."""

    def __init__(self, app: Flask, client: Client) -> None:
        self.app = app
        self.client = client
        self.taken = NOW

    def of(self, file: str = SMALL, *, vetting: bool = False, **values: object) -> Page:
        """The notice of the event in `file`, some of whose columns are set to other `values`."""
        with self.app.app_context(), writing():
            import_event(file, now=self.taken)
            self.taken = LATER
            db.session.flush()
            db.session.execute(update(Category).values(asks_vetting_name=vetting))
            db.session.execute(update(Event).values(version=Event.version + 1, **values))
        return self.client.page("/events/small/privacy/")


def asked_for(page: Page) -> set[str]:
    """What the notice says that people are asked for."""
    return set(page.texts("main dl.facts dt"))


def test_it_names_what_this_event_asks_and_no_more(notice: Notice) -> None:
    page = notice.of()
    assert asked_for(page) == ALWAYS | {"Your country", "Your answers to other questions"}
    assert page.texts("main dl.facts li") == ["Are you certain?", "Are you pleased?"]
    assert asked_for(notice.of(SMALL.replace(COUNTRY, ORGANIZATION))) == ALWAYS | {
        "Your organization",
        "Your answers to other questions",
    }


def test_an_event_that_asks_for_no_country_does_not_speak_of_one(notice: Notice) -> None:
    spoken_of = ["country" in notice.of(file).text for file in (SMALL, SMALL.replace(COUNTRY, ORGANIZATION))]
    assert spoken_of == [True, False]


def test_a_name_for_vetting_is_told_with_how_long_it_stays(notice: Notice) -> None:
    sentences = ["It is erased when your registration is decided.", "It is kept as long as your registration."]
    said = [
        [one for one in sentences if one in page.text]
        for page in (
            notice.of(),
            notice.of(vetting=True, keeps_vetting_names=False),
            notice.of(vetting=True, keeps_vetting_names=True),
        )
    ]
    assert said == [[], sentences[:1], sentences[1:]]


def test_it_stands_below_the_organizers_words_or_alone(notice: Notice) -> None:
    assert "We keep little." in notice.of().text
    assert notice.of(privacy_notice={}).texts("main h2")[0] == "Who asks for your data"


def test_it_says_who_reads_how_it_is_kept_and_what_one_can_do(notice: Notice) -> None:
    page = notice.of()
    assert page.texts("main h2") == [
        "Who asks for your data",
        "What we ask, and why",
        "Who reads it",
        "How it is kept",
        "Mails and calendars",
        "When you watch",
        "Your rights",
        "How long data is kept",
        "Questions about your data",
    ]
    assert page.link("Your own page").endswith("/my/")
    assert page.link("I have lost my link").endswith("/events/small/find/")


def test_it_names_the_sites_that_everybody_may_watch_on_and_no_room(app: Flask, client: Client, notice: Notice) -> None:
    assert "rooms.example.org" not in notice.of().text
    load_dialogue(app)
    assert "The sites of this event: webtv.un.org" in client.page(f"{EVENT}privacy/").text


def test_it_names_the_categories_that_no_list_tells(notice: Notice) -> None:
    assert "Reviewed" in notice.of().texts("main ul li")
    assert "say “participant” instead" not in notice.of(SMALL.replace("at_risk: true", "at_risk: false")).text


def test_of_invitations_it_speaks_where_the_event_sends_them(notice: Notice) -> None:
    sentence = "Invitations by mail also hold your mail address"
    pages = notice.of(), notice.of(SMALL.replace("invitations: true", "invitations: false"))
    assert [sentence in page.text for page in pages] == [True, False]


def test_it_is_a_page_in_every_language(notice: Notice, client: Client) -> None:
    notice.of()
    for language in LANGUAGES:
        html = client.page(f"/events/small/privacy/?lang={language}").one("html")
        assert (html["lang"], html["dir"]) == (language, "rtl" if language == "ar" else "ltr")
