"""The link that ends reminders and announcements: one POST is all it takes, opening it changes nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from registration import sweeping
from registration.domain import outbox, owing, participation
from registration.domain.link_keys import LinkKind, key_for
from registration.domain.owed import still_owed
from registration.extensions import db, writing
from registration.models import Announcement, Delivery, Event
from registration.models.delivery import DeliveryKind, DeliveryState
from registration.models.organizer import Role
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import (
    AMINA,
    DAY,
    FIRST_START,
    LAST_END,
    MINUTE,
    link_in,
    load_dialogue,
    move_session,
    owed,
    registration,
    registrations,
    take_part_by_rule,
    work,
)
from tests.support.organizers import LIST, at_desk, make_organizer
from tests.support.pages import Page
from tests.support.smtp import MailServer, ReceivedMail

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
QUARTER = 15 * MINUTE
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
WISH = "form[action^='/my/reminders/']"


@pytest.fixture(autouse=True)
def amina(app: Flask, now: datetime) -> int:
    """A participant whose mails so far have left: the number of her registration."""
    load_dialogue(app)
    with app.app_context():
        return take_part_by_rule(AMINA, now=now)


@pytest.fixture
def reminder(app: Flask, smtp: MailServer, clock: FakeClock) -> ReceivedMail:
    """The mail a day before the first session."""
    clock.move_to(FIRST_START - DAY)
    work(app)
    return smtp.last_to(AMINA)


@pytest.fixture
def link(app: Flask, amina: int) -> str:
    with app.app_context():
        return f"/unsubscribe/{key_for(registration(amina), LinkKind.UNSUBSCRIBE)}/"


def wish(app: Flask) -> datetime | None:
    """Since when she wants no more reminders."""
    with app.app_context():
        return registrations(AMINA)[0].unsubscribed_at


def buttons(page: Page) -> list[str]:
    return page.texts("main button")


def test_a_reminder_says_where_to_end_reminders(reminder: ReceivedMail, link: str) -> None:
    address = f"https://events.example.org{link}"
    assert reminder.message["List-Unsubscribe"] == f"<{address}>"
    assert reminder.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert f"\r\nList-Unsubscribe: <{address}>\r\n".encode() in reminder.octets
    assert f"To get no more reminders and announcements, open this link: {address}\r\n" in reminder.text
    assert f'<a href="{address}"' in reminder.html


def test_one_post_ends_reminders(
    app: Flask, client: Client, smtp: MailServer, clock: FakeClock, reminder: ReceivedMail
) -> None:
    response = client.post(link_in(reminder, "/unsubscribe/"), data=ONE_CLICK)
    assert (response.status_code, "Set-Cookie" in response.headers) == (200, False)
    assert (response.headers["Cache-Control"], response.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert wish(app) == clock.now
    smtp.clear()
    clock.move_to(FIRST_START - QUARTER)
    work(app)
    assert smtp.mails == []
    with app.app_context():
        assert owed(DeliveryKind.REMINDER) == [(DeliveryKind.REMINDER, DeliveryState.SENT)]


@SQLITE
def test_a_post_of_any_body_does_and_the_second_changes_nothing(
    app: Flask, clock: FakeClock, amina: int, link: str
) -> None:
    first = clock.now
    bodies = [
        {},
        {"data": b"", "content_type": "text/plain"},
        {"data": ONE_CLICK, "content_type": "multipart/form-data"},
    ]
    for body in bodies:
        assert app.test_client().post(link, **body).status_code == 200
        assert wish(app) == first
        clock.advance(MINUTE)


def test_opening_the_link_changes_nothing(app: Flask, client: Client, amina: int, link: str) -> None:
    page = client.page(link)
    assert client.head(link).status_code == 200
    assert (page.heading, buttons(page)) == ("Reminders and announcements", ["Send me none"])
    assert wish(app) is None


def test_the_page_after_it_takes_it_back(app: Flask, client: Client, amina: int, link: str) -> None:
    page = client.submit(client.page(link).form())
    assert page.texts(".state") == [
        "You get no more reminders and announcements about “Virtual Dialogue with Human Rights and Civil Society "
        "Partners on Building a Better Paradigm to Prevent and Counter Terrorism”."
    ]
    assert buttons(page) == ["Send me them again"]
    page = client.submit(page.form())
    assert (buttons(page), wish(app)) == (["Send me none"], None)


def test_a_reminder_that_waits_is_dropped(app: Flask, client: Client, clock: FakeClock, link: str) -> None:
    clock.move_to(FIRST_START - DAY)
    with app.app_context():
        sweeping.sweep()
    client.post(link)
    work(app)
    with app.app_context():
        assert owed(DeliveryKind.REMINDER) == [(DeliveryKind.REMINDER, DeliveryState.DROPPED)]


def test_a_mail_in_a_workers_hand_is_looked_at_anew(
    app: Flask, client: Client, clock: FakeClock, amina: int, link: str
) -> None:
    clock.move_to(FIRST_START - DAY)
    with app.app_context():
        sweeping.sweep()
        with writing():
            ((held,),) = outbox.claim(owner="one", limit=5, now=clock.now)
        before = outbox.marks([held], owner="one", now=clock.now)
    client.post(link)
    with app.app_context():
        after = outbox.marks([held], owner="one", now=clock.now)
        assert (list(before), list(after)) == ([held], [held])
        assert before != after
        assert still_owed(held, owner="one", now=clock.now) is None


@SQLITE
@pytest.mark.parametrize(
    ("kind", "stays"), [(DeliveryKind.ANNOUNCEMENT, False), (DeliveryKind.CHANGED, True), (DeliveryKind.LINK, True)]
)
def test_only_what_tells_of_nothing_new_is_owed_no_more(
    app: Flask, amina: int, kind: DeliveryKind, stays: bool
) -> None:
    with app.app_context():
        desk = make_organizer("desk@example.org", Role.OWNER).id
        now = registration(amina).updated_at
        with writing():
            owing.owe(registration(amina), kind, now=now)
            if kind is DeliveryKind.ANNOUNCEMENT:
                announce(registration(amina).event, desk, now)
            ((held,),) = outbox.claim(owner="one", limit=5, now=now)
        before = still_owed(held, owner="one", now=now)
        with writing():
            participation.switch_reminders(registration(amina), on=False, now=now)
        after = still_owed(held, owner="one", now=now)
        assert (before is not None, after is not None) == (True, stays)


def announce(event: Event, desk: int, now: datetime) -> None:
    """Let the announcements that are owed be one that there is."""
    said = {event.default_language: "The doors open early"}
    announced = Announcement(
        event_id=event.id, subject=said, text=said, states=["confirmed"], categories=[], sessions=[], languages=[],
        send_at=now, made_at=now, created_by=desk, created_at=now, updated_at=now,
    )  # fmt: skip
    db.session.add(announced)
    db.session.flush()
    owed = Delivery.kind == DeliveryKind.ANNOUNCEMENT
    db.session.execute(update(Delivery).where(owed).values(announcement_id=announced.id))


def test_a_moved_session_is_told_all_the_same(
    app: Flask, client: Client, smtp: MailServer, clock: FakeClock, link: str
) -> None:
    client.post(link)
    move_session(app, "human-rights", timedelta(hours=2))
    clock.advance(timedelta(minutes=10))
    work(app)
    (mail,) = smtp.mails
    assert mail.subject.startswith("New time: ")
    assert (mail.message["List-Unsubscribe"], "/unsubscribe/" in mail.text + mail.html) == (None, False)


def test_a_renewed_own_link_does_not_end_this_one(app: Flask, client: Client, amina: int, link: str) -> None:
    with app.app_context(), writing():
        registration(amina).manage_generation += 1
    assert client.post(link).status_code == 200
    assert wish(app) is not None


def test_the_link_of_somebody_forgotten_opens_nothing(app: Flask, client: Client, clock: FakeClock, link: str) -> None:
    clock.move_to(LAST_END + 30 * DAY)
    work(app)
    assert [client.get(link).status_code, client.post(link).status_code] == [404, 404]


@SQLITE
def test_no_other_key_opens_it(app: Flask, client: Client, amina: int, link: str) -> None:
    with app.app_context():
        keys = [key_for(registration(amina), kind) for kind in LinkKind if kind is not LinkKind.UNSUBSCRIBE]
    wrong = [f"/unsubscribe/{key}/" for key in (*keys, "A" * 44, "x")]
    asked = [client.post(path).status_code for path in (*wrong, *(f"{path}undo/" for path in wrong))]
    assert asked == [404] * 10
    page = client.page(wrong[0], 404)
    assert "This link is not valid any more; ask for a new one." in page.text
    assert wish(app) is None


@SQLITE
def test_a_discreet_persons_page_names_no_event(app: Flask, client: Client, amina: int, link: str) -> None:
    with app.app_context(), writing():
        registration(amina).discreet = True
    for response in (client.get(link), client.post(link)):
        assert "about “Online meeting”" in response.text
        assert [word for word in ("Dialogue", "dialogue", "Terror") if word in response.text + link] == []


def test_the_own_page_shows_and_switches_it(app: Flask, client: Client, smtp: MailServer, amina: int) -> None:
    with app.app_context():
        key = key_for(registration(amina), LinkKind.MANAGE)
    page = client.page(f"/my/{key}/")
    assert "You get them by mail." in page.text
    page = client.submit(page.form(WISH))
    assert page.texts(".notice[role=status]") == ["You get no more reminders and announcements."]
    assert "You get none, as you wished." in page.text
    assert wish(app) is not None
    page = client.submit(page.form(WISH))
    assert page.texts(".notice[role=status]") == ["You get reminders and announcements again."]
    assert wish(app) is None
    assert client.post("/my/reminders/off/").status_code == 400


@SQLITE
def test_organizers_see_who_wants_none(app: Flask, client: Client, amina: int, link: str) -> None:
    desk = at_desk(app, Role.OWNER)
    with app.app_context():
        path = f"{LIST}{registration(amina).public_id}/"
    line = "Wants no reminders and announcements"
    before = desk.page(path).texts("dd")
    client.post(link)
    assert (line in before, line in desk.page(path).texts("dd")) == (False, True)


@SQLITE
def test_who_wants_them_again_gets_the_next(
    app: Flask, client: Client, smtp: MailServer, clock: FakeClock, link: str
) -> None:
    client.post(link)
    clock.move_to(FIRST_START - DAY)
    work(app)
    client.post(f"{link}undo/")
    work(app)
    assert smtp.mails == []
    clock.move_to(FIRST_START - QUARTER)
    work(app)
    assert [mail.subject.partition(":")[0] for mail in smtp.mails] == ["Reminder"]
