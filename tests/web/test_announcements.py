"""Announcements on their way: to the group as it is then, once, unless taken back; and on the reader's own page."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from markupsafe import escape
from sqlalchemy import select, text

from registration.domain import announcement_mails
from registration.domain.link_keys import LinkKind, key_for
from registration.extensions import db, writing
from registration.models import Delivery, Event
from registration.models.delivery import DeliveryState
from registration.models.event import EventState
from registration.models.organizer import Role
from registration.models.registration import RegistrationState as State
from tests.support.announcements import (
    ALL,
    SECOND,
    add,
    add_crowd,
    announce,
    button,
    facts,
    leave,
    mail_states,
    reached,
    write,
)
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import DAY, LAST_END, MINUTE, SLUG, change, load_dialogue, registrations, work
from tests.support.organizers import add_people, add_person, at_desk
from tests.support.pages import Page
from tests.support.smtp import MailServer, ReceivedMail
from tests.web.test_organizer_attendees import counted_queries

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
AMINA = "amina@example.org"


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app)


@pytest.fixture
def desk(app: Flask) -> Client:
    """An owner's browser."""
    return at_desk(app, Role.OWNER)


def alter(app: Flask, address: str, **values: Any) -> None:
    """Change somebody's registration."""
    with app.app_context(), writing():
        for name, value in values.items():
            setattr(registrations(address)[0], name, value)


def own_page(app: Flask, address: str = AMINA) -> Page:
    """Somebody's own page, opened by the link."""
    with app.app_context():
        key = key_for(registrations(address)[0], LinkKind.MANAGE)
    visitor = app.test_client()
    assert isinstance(visitor, Client)
    return visitor.page(f"/my/{key}/")


def told(app: Flask, desk: Client, clock: FakeClock, smtp: MailServer, **values: Any) -> ReceivedMail:
    """The mail that Amina gets of an announcement."""
    announce(desk, **values)
    leave(app, clock)
    return smtp.last_to(AMINA)


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        pytest.param({}, ["amina", "bo", "chi"], id="the confirmed"),
        pytest.param({"states": ["in_review", "cancelled"]}, ["dan", "eve"], id="other states"),
        pytest.param({"categories": ["youth"]}, ["amina", "bo"], id="a category"),
        pytest.param({"sessions": ["human-rights"]}, ["amina", "chi"], id="a session"),
        pytest.param({"sessions": ["human-rights", "civil-society"]}, ["amina", "bo", "chi"], id="each one once"),
        pytest.param({"languages": ["ar", "fr"]}, ["bo", "chi"], id="languages"),
        pytest.param(
            {"states": ["confirmed", "in_review"], "categories": ["experts"], "sessions": ["human-rights"]},
            ["chi", "dan"],
            id="all of these",
        ),
    ],
)
def test_it_reaches_just_the_group_and_the_page_counts_it_before(
    app: Flask, desk: Client, clock: FakeClock, smtp: MailServer, *, group: dict[str, Any], expected: list[str]
) -> None:
    add_crowd(app)
    page = write(desk, **group)
    assert page.texts("#who + p strong") == [f"{len(expected)} people"]
    desk.submit(desk.page(page.link("Send")).form())
    leave(app, clock)
    assert reached(smtp) == expected


def test_it_says_what_was_written_under_the_senders_name(
    app: Flask, desk: Client, clock: FakeClock, smtp: MailServer
) -> None:
    add(app, "Amina")
    mail = told(app, desk, clock, smtp, text_en="Dear {name}: {event}.\n\nSee {event_page} and {own_page}")
    assert mail.subject == "The doors"
    assert str(mail.message["From"]) == '"Dialogue team (sample)" <dialogue@example.org>'
    assert str(mail.message["Reply-To"]) == "dialogue@example.org"
    assert '<p lang="en" dir="ltr">Dear <bdi>Amina</bdi>: <bdi>Virtual Dialogue' in mail.html
    assert "Dear Amina: Virtual Dialogue with Human Rights and Civil Society Partners" in mail.text
    assert f"See https://events.example.org/events/{SLUG}/ and https://events.example.org/my/" in mail.text
    assert f'<br><br>See <a href="https://events.example.org/events/{SLUG}/" dir="ltr"' in mail.html


def test_until_its_minute_is_over_nothing_leaves_and_it_can_be_taken_back(
    app: Flask, desk: Client, clock: FakeClock, smtp: MailServer
) -> None:
    add(app, "Amina")
    page = announce(desk)
    clock.advance(59 * SECOND)
    work(app)
    page = desk.page(page.url)
    assert page.texts(".state") == ["Leaves in 1 second"]
    assert "It can be taken back until 10:01:00 (New York, UTC−5)." in page.text
    taken_back = desk.submit(button(page, "Take it back"))
    assert taken_back.texts(".notice, .state") == ["It is taken back: nobody has got anything of it.", "Draft"]
    leave(app, clock)
    assert (smtp.mails, mail_states(app)) == ([], [])


@pytest.mark.parametrize("worked", [False, True])
def test_after_its_minute_it_cannot_be_taken_back(
    app: Flask, desk: Client, clock: FakeClock, smtp: MailServer, *, worked: bool
) -> None:
    add(app, "Amina")
    late = button(announce(desk), "Take it back")
    clock.advance(60 * SECOND)
    if worked:
        work(app)
    page = desk.submit(late)
    sentence = "It is too late to take this back: its mails are leaving. Write another that corrects it."
    assert page.texts(".notice") == [sentence]
    work(app)
    assert reached(smtp) == ["amina"]


def test_what_was_taken_back_can_be_changed_and_sent_again(
    app: Flask, desk: Client, clock: FakeClock, smtp: MailServer
) -> None:
    add(app, "Amina")
    page = desk.submit(button(announce(desk), "Take it back"))
    page = desk.submit(page.form("form.session-form"), subject_en="The other doors")
    desk.submit(desk.page(page.link("Send")).form())
    leave(app, clock)
    assert [mail.subject for mail in smtp.mails] == ["The other doors"]


def test_it_leaves_once_to_whoever_is_in_the_group_when_it_leaves(
    app: Flask, desk: Client, clock: FakeClock, smtp: MailServer
) -> None:
    add(app, "Amina")
    announce(desk)
    add(app, "Bo")
    leave(app, clock)
    add(app, "Chi")
    leave(app, clock)
    assert reached(smtp) == ["amina", "bo"]


def test_who_wants_no_such_mail_gets_none_and_is_not_counted(
    app: Flask, desk: Client, clock: FakeClock, smtp: MailServer, now: Any
) -> None:
    add_crowd(app)
    alter(app, "bo@example.org", unsubscribed_at=now)
    page = write(desk)
    assert page.texts("#who ~ p")[:2] == [
        "2 people · Arabic: 1 · English: 1",
        "1 more wants no such mail and gets none.",
    ]
    desk.submit(desk.page(page.link("Send")).form())
    leave(app, clock)
    assert reached(smtp) == ["amina", "chi"]


@pytest.mark.parametrize("values", [{"state": State.CANCELLED}, {"unsubscribed_at": LAST_END}])
def test_who_leaves_between_making_and_sending_gets_none(
    app: Flask, desk: Client, clock: FakeClock, smtp: MailServer, values: dict[str, Any]
) -> None:
    add(app, "Amina")
    add(app, "Bo")
    page = announce(desk)
    now = clock.advance(60 * SECOND)
    with app.app_context(), writing():
        assert [announcement_mails.make(one, now=now) for one in announcement_mails.due(now=now)] == [True]
    assert desk.page(page.url).texts(".state") == ["Being sent"]
    alter(app, AMINA, **values)
    work(app)
    assert reached(smtp) == ["bo"]
    assert facts(desk.page(page.url), "#mails ~") == {
        "Waiting for their time": "0",
        "Sent": "1",
        "Refused by the mail server": "0",
        "Came back": "0",
        "Not sent": "1",
    }


def test_refused_mails_are_counted_and_hold_up_nobody(
    app: Flask, desk: Client, clock: FakeClock, smtp: MailServer
) -> None:
    add_crowd(app)
    smtp.replies[AMINA] = "550 5.1.1 No such user"
    smtp.replies["bo@example.org"] = "451 4.3.0 Later"
    page = announce(desk)
    leave(app, clock)
    assert sorted(mail_states(app)) == [DeliveryState.FAILED, DeliveryState.SENT, DeliveryState.WAITING]
    assert desk.page(ALL).texts("td[data-label=Mails]") == [
        "Waiting for their time: 1Sent: 1Refused by the mail server: 1Came back: 0Not sent: 0"
    ]
    assert desk.page(page.url).texts(".state") == ["Being sent"]
    smtp.replies.clear()
    clock.advance(300 * SECOND)
    work(app)
    page = desk.page(page.url)
    assert page.texts(".state") == ["Sent: 2 Mar 2026, 10:01 UTC−5"]
    names = ("Waiting for their time", "Sent", "Refused by the mail server")
    assert [facts(page)[name] for name in names] == ["0", "2", "1"]


@pytest.mark.parametrize("name", ["{event} {own_page}", "<b>Amina</b>", "https://evil.example", "{0.__class__}"])
def test_a_name_stays_what_it_is_and_becomes_no_link(
    app: Flask, desk: Client, clock: FakeClock, smtp: MailServer, name: str
) -> None:
    with app.app_context():
        add_person(name, address=AMINA)
    mail = told(app, desk, clock, smtp, subject_en="For {name}", text_en="You are {name}, are you not?")
    assert mail.subject == f"For {name}"
    assert f"You are {name}, are you not?" in mail.text
    html = own_page(app).html
    assert html.select_one(".message h3").get_text() == f"For {name}"
    assert html.select_one(".message .lines").get_text() == f"You are {name}, are you not?"
    assert html.select(".message a, .message b") == []
    assert ("evil.example" in mail.html, 'href="https://evil' in mail.html) == ("evil" in name, False)
    assert f"You are <bdi>{escape(name)}</bdi>, are you not?" in mail.html


def test_line_breaks_in_a_subject_are_spaces_and_begin_no_header(
    app: Flask, desk: Client, clock: FakeClock, smtp: MailServer
) -> None:
    add(app, "Amina")
    mail = told(app, desk, clock, smtp, subject_en="The doors\r\nBcc: evil@example.org\r\n\r\nmore")
    assert mail.subject == "The doors Bcc: evil@example.org more"
    assert (mail.message["Bcc"], mail.recipients) == (None, (AMINA,))


@pytest.mark.parametrize(
    ("language", "subject", "block"),
    [
        pytest.param("ar", "الأبواب", '<p lang="ar" dir="rtl"', id="its own"),
        pytest.param("fr", "The doors", '<p lang="en" dir="ltr"', id="the default"),
    ],
)
def test_each_reads_it_in_their_language_or_the_events(
    app: Flask, desk: Client, clock: FakeClock, smtp: MailServer, *, language: str, subject: str, block: str
) -> None:
    add(app, "Amina", language=language)
    mail = told(app, desk, clock, smtp, subject_ar="الأبواب", text_ar="تفتح الأبواب في التاسعة.")
    assert mail.subject == subject
    assert block in mail.html
    assert f'<html lang="{language}"' in mail.html
    message = own_page(app).one(".message h3")
    assert (message["lang"], message["dir"], message.get_text()) == (
        *(("ar", "rtl") if language == "ar" else ("en", "ltr")),
        subject,
    )


def test_the_own_page_keeps_the_messages_the_newest_first_in_the_readers_zone(
    app: Flask, desk: Client, clock: FakeClock
) -> None:
    add(app, "Amina")
    add(app, "Bo", "experts")
    announce(desk, subject_en="First", text_en="Hello {name}, see {own_page}", categories=["youth"])
    leave(app, clock)
    clock.advance(15 * MINUTE)
    announce(desk, subject_en="Second")
    leave(app, clock)
    announce(desk, subject_en="Not yet")
    page = own_page(app)
    assert page.texts(".message h3") == ["Second", "First"]
    assert page.texts(".message .quiet") == [
        "Monday, 2 March 2026, 21:02 (Kathmandu, UTC+5:45)",
        "Monday, 2 March 2026, 20:46 (Kathmandu, UTC+5:45)",
    ]
    assert page.texts(".message .lines")[1] == "Hello Amina, see https://events.example.org/my/"
    assert own_page(app, "bo@example.org").texts(".message h3") == ["Second"]


def test_an_own_page_without_messages_says_nothing_of_them(app: Flask) -> None:
    add(app, "Amina")
    assert "Messages from the organizers" not in own_page(app).text


def test_a_discreet_person_is_told_without_a_word_and_reads_it_on_the_own_page(
    app: Flask, desk: Client, clock: FakeClock, smtp: MailServer
) -> None:
    add(app, "Amina", discreet=True, neutral_title="Yoga")
    mail = told(app, desk, clock, smtp)
    assert mail.subject == "There is a message for you about Yoga"
    assert "There is a message for you about Yoga. It stands on your own page." in mail.text
    assert [word for word in ("doors", "Dialogue", SLUG) if word in mail.text + mail.html] == []
    assert mail.message["Reply-To"] is None
    assert own_page(app).texts(".message h3") == ["The doors"]


@pytest.mark.parametrize("state", [EventState.CANCELLED, EventState.ARCHIVED])
def test_people_of_an_event_that_is_off_or_over_can_be_told(
    app: Flask, desk: Client, clock: FakeClock, smtp: MailServer, state: EventState
) -> None:
    add(app, "Amina")
    change(app, Event, SLUG, state=state)
    assert told(app, desk, clock, smtp).subject == "The doors"


def test_nothing_leaves_of_a_draft_event(app: Flask, desk: Client, clock: FakeClock, smtp: MailServer) -> None:
    add(app, "Amina")
    page = announce(desk)
    change(app, Event, SLUG, state=EventState.DRAFT)
    leave(app, clock)
    page = desk.page(page.url)
    assert page.texts(".state") == ["Draft"]
    page = desk.submit(desk.page(page.link("Send")).form())
    assert page.texts(".notice") == ["This event is a draft: publish it first."]
    leave(app, clock)
    assert smtp.mails == []


def test_its_mails_are_of_use_for_three_days_or_until_a_day_after_the_event(
    app: Flask, desk: Client, clock: FakeClock
) -> None:
    def useful_until() -> list[Any]:
        with app.app_context():
            query = select(Delivery.useful_until).where(Delivery.announcement_id.is_not(None)).order_by(Delivery.id)
            return list(db.session.execute(query).scalars())

    add(app, "Amina")
    announce(desk)
    leave(app, clock)
    clock.move_to(LAST_END)
    announce(at_desk(app, Role.OWNER, address="later@example.org"))
    leave(app, clock)
    assert useful_until() == [LAST_END + DAY, LAST_END + 60 * SECOND + 3 * DAY]


def test_as_many_statements_make_the_mails_of_many_as_of_one(app: Flask, desk: Client, clock: FakeClock) -> None:
    def made() -> int:
        announce(desk)
        now = clock.advance(60 * SECOND)
        with counted_queries(app) as statements, app.app_context(), writing():
            assert [announcement_mails.make(one, now=now) for one in announcement_mails.due(now=now)] == [True]
        return len(statements)

    add(app, "Amina")
    for_one = made()
    with app.app_context():
        add_people(30)
    assert made() == for_one
    assert len(mail_states(app)) == 32


@SQLITE
def test_counting_and_deleting_look_at_the_mails_of_an_announcement_alone(app: Flask) -> None:
    with app.app_context():
        for statement in ("SELECT state, count(*) FROM delivery WHERE announcement_id IN (1, 2) GROUP BY state",
                          "DELETE FROM delivery WHERE announcement_id = 1"):  # fmt: skip
            plan = [row.detail for row in db.session.execute(text(f"EXPLAIN QUERY PLAN {statement}"))]
            assert "ix_delivery_announcement (announcement_id=?)" in plan[0]
