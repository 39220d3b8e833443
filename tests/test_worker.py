"""The worker against a real mail server: what is due leaves once, and one fault holds up nothing else."""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from registration import sweeping, worker
from registration.domain import message_ids, owing, participation
from registration.extensions import db, writing
from registration.keys import SealError
from registration.mail.posting import Unreachable
from registration.models import Category, Delivery, EventSession, Registration, ReminderRule
from registration.models.delivery import DeliveryKind, DeliveryState
from registration.models.programme import SessionState
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import (
    AMINA,
    DAY,
    FIRST_START,
    MINUTE,
    SECOND_START,
    change,
    load_dialogue,
    move_session,
    owed,
    prove,
    registration,
    sign_up,
    sign_up_by_rule,
    take_part,
    take_part_by_rule,
    work,
)
from tests.support.ports import free_port
from tests.support.smtp import MailServer, ReceivedMail

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
OTHER = "other@example.org"
QUARTER = 15 * MINUTE
MINUTE_OR_MORE = timedelta(seconds=73)
"""The first wait after a refusal: a minute, give or take a fifth."""


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app)


def join(app: Flask, now: datetime, *addresses: str, **values: object) -> None:
    """Confirm people whose mails so far have left."""
    with app.app_context():
        for address in addresses:
            take_part_by_rule(address, now=now, **values)


def ids(mails: list[ReceivedMail]) -> list[str]:
    return [str(mail.message["Message-ID"]) for mail in mails]


def deliveries(app: Flask) -> list[tuple[DeliveryKind, DeliveryState]]:
    with app.app_context():
        return owed()


def test_a_mail_leaves_once(app: Flask, client: Client, smtp: MailServer) -> None:
    sign_up(client)
    assert [work(app), work(app), work(app)] == [1, 0, 0]
    assert [mail.recipients for mail in smtp.mails] == [(AMINA,)]
    assert deliveries(app) == [(DeliveryKind.PROVE, DeliveryState.SENT)]


def test_a_mail_refused_for_now_leaves_later_with_the_same_message_id(
    app: Flask, client: Client, smtp: MailServer, clock: FakeClock
) -> None:
    sign_up(client)
    smtp.reply_to_data = "451 4.3.0 Later"
    assert [work(app), work(app)] == [1, 0]
    with app.app_context():
        refused = db.session.execute(select(Delivery)).scalar_one()
        expected = message_ids.message_id([refused], "events.example.org")
        assert (refused.state, refused.reply_code) == (DeliveryState.WAITING, 451)
    smtp.reply_to_data = ""
    clock.advance(MINUTE_OR_MORE)
    assert work(app) == 1
    assert ids(smtp.mails) == [expected]


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        ("421 4.3.2 Closing", DeliveryState.WAITING),
        ("450 4.2.0 Busy", DeliveryState.WAITING),
        ("452 4.2.2 Full", DeliveryState.WAITING),
        ("550 5.1.1 Unknown", DeliveryState.FAILED),
        ("554 5.6.0 Refused", DeliveryState.FAILED),
        ("554 5.7.1 Relay access denied", DeliveryState.WAITING),
    ],
)
def test_one_refused_recipient_holds_up_no_other(
    app: Flask, client: Client, smtp: MailServer, reply: str, state: DeliveryState
) -> None:
    for address in ("first@example.org", AMINA, "last@example.org"):
        sign_up(client, address=address)
    smtp.replies[AMINA] = reply
    assert work(app) == 3
    assert [mail.recipients[0] for mail in smtp.mails] == ["first@example.org", "last@example.org"]
    assert [one for _kind, one in deliveries(app)] == [DeliveryState.SENT, state, DeliveryState.SENT]


def test_a_letter_that_cannot_be_written_holds_up_no_other(
    app: Flask, client: Client, smtp: MailServer, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    for address in ("first@example.org", AMINA, "last@example.org"):
        sign_up(client, address=address)
    with app.app_context(), writing():
        broken = db.session.get_one(Registration, 2)
        good, broken.sealed = broken.sealed, b"k9:lost"
    assert work(app) == 3
    assert [mail.recipients[0] for mail in smtp.mails] == ["first@example.org", "last@example.org"]
    assert [(one.levelno, one.getMessage()) for one in caplog.records] == [
        (logging.ERROR, f"a prove letter cannot be written ({SealError.__name__})")
    ]
    with app.app_context(), writing():
        db.session.get_one(Registration, 2).sealed = good
    clock.advance(MINUTE_OR_MORE)
    work(app)
    assert smtp.mails[-1].recipients == (AMINA,)


@SQLITE
def test_while_the_mail_server_is_away_nothing_is_lost(
    app: Flask, client: Client, smtp: MailServer, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(3):
        sign_up(client, address=f"person{number}@example.org")
    app.extensions["mail"].port = free_port()
    with pytest.raises(Unreachable, match="ConnectionRefusedError"):
        work(app)
    app.extensions["mail"].port = smtp.port
    assert work(app) == 3
    assert {mail.recipients[0] for mail in smtp.mails} == {f"person{number}@example.org" for number in range(3)}


@SQLITE
def test_a_worker_told_to_stop_stops_between_two_mails(app: Flask, client: Client, smtp: MailServer) -> None:
    for number in range(4):
        sign_up(client, address=f"person{number}@example.org")
    with app.app_context():
        worker.deliver("one", stop=lambda: len(smtp.mails) == 2)
    assert len(smtp.mails) == 2
    assert work(app) == 2
    assert len(set(ids(smtp.mails))) == 4


@SQLITE
def test_urgent_mail_goes_ahead_of_a_batch_in_hand(
    app: Flask, smtp: MailServer, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LOOK_EVERY", 0.0)
    with app.app_context():
        people = [take_part_by_rule(f"person{number}@example.org", now=clock.now) for number in range(3)]
        with writing():
            for one in people:
                owing.owe(registration(one), DeliveryKind.CHANGED, now=clock.now)

    def somebody_signs_up() -> bool:
        if len(smtp.mails) == 1:
            with app.app_context():
                sign_up_by_rule("late@example.org", now=clock.now)
        return False

    with app.app_context():
        while worker.deliver("one", stop=somebody_signs_up):
            pass
    assert [mail.recipients[0] for mail in smtp.mails][:2] == ["person0@example.org", "late@example.org"]
    assert len(smtp.mails) == 4


@SQLITE
def test_a_running_worker_ends_when_it_is_told(app: Flask, client: Client, smtp: MailServer) -> None:
    sign_up(client)
    stopped = threading.Event()

    def run() -> None:
        with app.app_context():
            worker.run_until(stopped)

    thread = threading.Thread(target=run)
    thread.start()
    while not smtp.mails:
        thread.join(0.01)
    stopped.set()
    thread.join(10)
    assert not thread.is_alive()
    assert len(smtp.mails) == 1


@SQLITE
def test_a_round_that_fails_does_not_end_the_worker(
    app: Flask, client: Client, smtp: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The outbox is gone for one round, as with a database that does not answer."""
    sign_up(client)
    stopped = threading.Event()

    def rename(old: str, new: str) -> None:
        with app.app_context(), writing():
            db.session.execute(db.text(f"ALTER TABLE {old} RENAME TO {new}"))

    def run() -> None:
        with app.app_context():
            worker.run_until(stopped)

    rename("delivery", "elsewhere")
    thread = threading.Thread(target=run)
    thread.start()
    while not caplog.records:
        thread.join(0.01)
    rename("elsewhere", "delivery")
    while not smtp.mails:
        thread.join(0.01)
    stopped.set()
    thread.join(10)
    assert caplog.records[-1].getMessage().endswith(" failed (OperationalError)")


def test_a_reminder_leads_to_the_watch_page_and_to_un_web_tv(
    app: Flask, smtp: MailServer, clock: FakeClock, now: datetime
) -> None:
    join(app, now, AMINA)
    clock.move_to(FIRST_START - DAY)
    assert work(app) == 1
    (mail,) = smtp.mails
    assert mail.subject == "Reminder: Tuesday, 26 May 2026, 19:45, Opening session and discussion"
    assert mail.text.split("\r\n\r\n")[2] == (
        "Opening session and discussion\r\n"
        "  Tuesday, 26 May 2026, 19:45 – 23:00 (Kathmandu, UTC+5:45)\r\n"
        "  Tuesday, 26 May 2026, 10:00 – 13:15 (New York, UTC−4)\r\n"
        "  Tuesday, 26 May 2026, 14:00 – 17:15 (UTC)\r\n"
        "Watch page: https://events.example.org/events/dialogue-next/sessions/human-rights/\r\n"
        "UN Web TV: https://webtv.un.org/"
    )


def test_every_reminder_leaves_once(app: Flask, smtp: MailServer, clock: FakeClock, now: datetime) -> None:
    join(app, now, AMINA)
    looks = [FIRST_START - DAY - MINUTE + number * 45 * MINUTE for number in range(96)]
    sent = [moment for moment in looks if clock.move_to(moment) and work(app)]
    dues = [FIRST_START - DAY, SECOND_START - DAY, FIRST_START - QUARTER, SECOND_START - QUARTER]
    assert sent == [min(moment for moment in looks if moment >= due) for due in dues]
    assert len(smtp.mails) == 4


def test_reminders_that_fall_due_together_share_a_mail(
    app: Flask, smtp: MailServer, clock: FakeClock, now: datetime
) -> None:
    join(app, now, AMINA)
    clock.move_to(FIRST_START - QUARTER)
    assert work(app) == 1
    (mail,) = smtp.mails
    assert mail.text.index("Opening session") < mail.text.index("Discussion, premiere")
    assert [state for _kind, state in deliveries(app)][-2:] == [DeliveryState.SENT] * 2


def test_reminders_that_share_a_mail_are_tried_again_together(
    app: Flask, smtp: MailServer, clock: FakeClock, now: datetime
) -> None:
    join(app, now, AMINA)
    clock.move_to(FIRST_START - QUARTER)
    smtp.replies[AMINA] = "450 4.2.0 Greylisted"
    assert work(app) == 1
    smtp.replies.clear()
    clock.advance(MINUTE_OR_MORE)
    assert work(app) == 1
    assert "Discussion, premiere" in smtp.mails[0].text


def test_a_cancelled_person_gets_no_reminder(app: Flask, smtp: MailServer, clock: FakeClock, now: datetime) -> None:
    """Not even where it was made, and refused for now, before they cancelled."""
    join(app, now, AMINA)
    clock.move_to(FIRST_START - DAY)
    smtp.replies[AMINA] = "450 4.2.0 Busy"
    work(app)
    smtp.replies.clear()
    with app.app_context(), writing():
        participation.cancel(registration(1), now=clock.now)
    clock.move_to(FIRST_START - QUARTER)
    work(app)
    assert [mail.subject.partition(":")[0] for mail in smtp.mails] == ["Your registration is cancelled"]


def test_a_moved_session_is_reminded_of_anew_and_with_its_new_time_alone(
    app: Flask, smtp: MailServer, clock: FakeClock, now: datetime
) -> None:
    join(app, now, AMINA)
    clock.move_to(FIRST_START - DAY)
    work(app)
    smtp.clear()
    move_session(app, "human-rights", timedelta(hours=2))
    clock.move_to(FIRST_START - DAY + timedelta(hours=2))
    work(app)
    reminders = [mail.text for mail in smtp.mails if mail.subject.startswith("Reminder: ")]
    assert [("21:45" in text, "19:45" in text) for text in reminders] == [(True, False)]


def test_a_reminder_made_before_its_session_moved_is_not_sent(
    app: Flask, smtp: MailServer, clock: FakeClock, now: datetime
) -> None:
    join(app, now, AMINA)
    clock.move_to(FIRST_START - DAY)
    with app.app_context():
        sweeping.sweep()
    move_session(app, "human-rights", timedelta(days=3))
    assert work(app) == 1
    assert smtp.mails == []
    assert deliveries(app)[-1] == (DeliveryKind.REMINDER, DeliveryState.DROPPED)


def test_who_is_confirmed_late_gets_what_is_still_useful_in_the_confirmation(
    app: Flask, client: Client, smtp: MailServer, clock: FakeClock
) -> None:
    clock.move_to(FIRST_START - timedelta(hours=3))
    mail = take_part(client, smtp)
    assert "Watch page: https://events.example.org/events/dialogue-next/sessions/human-rights/" in mail.text
    clock.advance(MINUTE)
    assert work(app) == 0
    assert [one.subject.partition(":")[0] for one in smtp.mails] == ["Confirm your registration", "You are registered"]


@SQLITE
def test_a_reminder_whose_use_is_over_is_dropped(app: Flask, smtp: MailServer, clock: FakeClock, now: datetime) -> None:
    join(app, now, AMINA, sessions=["human-rights"])
    clock.move_to(FIRST_START - QUARTER)
    smtp.replies[AMINA] = "450 4.2.0 Busy"
    work(app)
    smtp.replies.clear()
    clock.move_to(FIRST_START + timedelta(hours=3, minutes=15))
    work(app)
    assert smtp.mails == []
    assert deliveries(app)[-1] == (DeliveryKind.REMINDER, DeliveryState.DROPPED)


@SQLITE
def test_a_discreet_persons_reminder_is_in_neutral_words(
    app: Flask, smtp: MailServer, clock: FakeClock, now: datetime
) -> None:
    join(app, now, AMINA, discreet=True)
    clock.move_to(FIRST_START - DAY)
    work(app)
    mail = smtp.last_to(AMINA)
    assert mail.subject == "Reminder: Tuesday, 26 May 2026, 19:45, Online meeting"
    told = mail.octets.decode() + mail.text + mail.html
    assert [word for word in ("Dialogue", "dialogue-next", "human-rights", "Terror", "webtv") if word in told] == []
    assert "https://events.example.org/s/" in mail.text


@SQLITE
def test_more_mails_than_one_batch_all_leave_in_one_round(app: Flask, smtp: MailServer, now: datetime) -> None:
    with app.app_context():
        for number in range(worker.BATCH + 5):
            sign_up_by_rule(f"person{number}@example.org", now=now)
    assert work(app) == worker.BATCH + 5
    assert len(set(ids(smtp.mails))) == worker.BATCH + 5


@SQLITE
def test_a_sweep_lets_in_who_waits_once_there_are_more_places(
    app: Flask, smtp: MailServer, clock: FakeClock, now: datetime
) -> None:
    change(app, Category, "youth", places=1)
    join(app, now, AMINA, OTHER)
    change(app, Category, "youth", places=2)
    work(app)
    assert smtp.last_to(OTHER).subject.startswith("You are registered:")


@SQLITE
def test_a_session_cancelled_meanwhile_is_named_as_cancelled_in_the_confirmation(
    app: Flask, client: Client, smtp: MailServer
) -> None:
    sign_up(client)
    work(app)
    change(app, EventSession, "civil-society", state=SessionState.CANCELLED)
    prove(client, smtp)
    work(app)
    mail = smtp.last_to(AMINA)
    assert "Discussion, premiere of “VictimA” and closing session – cancelled" in mail.text
    assert len(list(mail.message.iter_attachments())) == 1


@SQLITE
def test_a_round_that_cannot_be_made_holds_up_no_other(
    app: Flask, client: Client, smtp: MailServer, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A rule asks for a language that no database can be asked for: its statement fails."""
    take_part(client, smtp)
    clock.move_to(FIRST_START - DAY)
    with app.app_context(), writing():
        rule = db.session.execute(select(ReminderRule).where(ReminderRule.slug == "day-before")).scalar_one()
        spoilt = {"slug": "spoilt", "minutes_before": 24 * 60, "categories": [], "languages": ["\ud800"]}
        db.session.add(ReminderRule(event=rule.event, **spoilt))
    smtp.clear()
    work(app)
    assert [mail.subject.split(":")[0] for mail in smtp.to(AMINA)] == ["Reminder"]
    assert "what is due cannot be made" in caplog.text
