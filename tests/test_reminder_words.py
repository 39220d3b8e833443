"""The organizer's own words in reminders: whose language, what stands in them, and that nothing typed is a template."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from flask import Flask

from registration.models import ReminderRule
from tests.support.clock import FakeClock
from tests.support.dialogue import AMINA, DAY, FIRST_START, MINUTE, change, load_dialogue, take_part_by_rule, work
from tests.support.smtp import MailServer, ReceivedMail

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
DUE = FIRST_START - DAY
SUBJECT = {"en": "{name}, soon: {session}", "ar": "قريباً: {session}"}
TEXT = {
    "en": "{event}\n\nWe begin at {time} – {{come}} early.\n{watch_page}\n{own_page}",
    "ar": "نبدأ في {time}.",
}
WATCH = "https://events.example.org/events/dialogue-next/sessions/human-rights/"


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app)
    change(app, ReminderRule, "day-before", subject=SUBJECT, text=TEXT)


def reminder(app: Flask, smtp: MailServer, clock: FakeClock, **values: Any) -> ReceivedMail:
    """The reminder that somebody gets a day before the first session."""
    with app.app_context():
        take_part_by_rule(AMINA, now=clock.now, **values)
    clock.move_to(DUE)
    assert work(app) == 1
    return smtp.last_to(AMINA)


def test_own_words_stand_in_the_place_of_ours_before_the_sessions(
    app: Flask, smtp: MailServer, clock: FakeClock
) -> None:
    mail = reminder(app, smtp, clock, name="Amina")
    assert mail.subject == "Amina, soon: Opening session and discussion"
    paragraphs = mail.text.replace("\r\n", "\n").split("\n\n")
    own_page = paragraphs[2].split("\n")[2]
    assert own_page.startswith("https://events.example.org/my/")
    assert paragraphs[2] == (
        "We begin at Tuesday, 26 May 2026, 19:45 (Kathmandu, UTC+5:45) – {come} early.\n" + WATCH + "\n" + own_page
    )
    assert paragraphs[3].startswith("Opening session and discussion\n  Tuesday, 26 May 2026, 19:45 – 23:00 (Kathmandu")
    assert "you wanted to follow it" not in mail.text + mail.html
    assert f'<a href="{WATCH}" dir="ltr" style="color:#12538f;word-break:break-all">{WATCH}</a>' in mail.html


@SQLITE
@pytest.mark.parametrize(
    "name",
    ["{event}", "{0.__class__}", "{{own_page}}", "%(title)s", "{% raw %}", "{{ 7 * 7 }}", "<b>Amina</b>", "A & B", "}"],
)
def test_a_name_is_put_in_as_it_was_typed(app: Flask, smtp: MailServer, clock: FakeClock, name: str) -> None:
    mail = reminder(app, smtp, clock, name=name)
    assert mail.subject == f"{name}, soon: Opening session and discussion"
    assert f"Dear {name}," in mail.text
    assert "<b>" not in mail.html


@SQLITE
def test_a_name_that_is_an_address_does_not_become_a_link(app: Flask, smtp: MailServer, clock: FakeClock) -> None:
    change(app, ReminderRule, "day-before", text={"en": "Good to see you, {name}."})
    mail = reminder(app, smtp, clock, name="https://evil.example.org/")
    assert "Good to see you, <bdi>https://evil.example.org/</bdi>." in mail.html
    assert 'href="https://evil' not in mail.html


@SQLITE
def test_a_reader_of_arabic_gets_the_arabic_words_from_right_to_left(
    app: Flask, smtp: MailServer, clock: FakeClock
) -> None:
    mail = reminder(app, smtp, clock, language="ar")
    assert mail.subject.startswith("قريباً: ")
    assert '<p lang="ar" dir="rtl">نبدأ في ' in mail.html


@SQLITE
def test_a_reader_of_a_language_without_words_gets_the_default_ones_marked_as_such(
    app: Flask, smtp: MailServer, clock: FakeClock
) -> None:
    mail = reminder(app, smtp, clock, language="fr")
    assert "We begin at mardi 26 mai 2026, 19:45" in mail.text
    assert '<p lang="en" dir="ltr">' in mail.html


@SQLITE
def test_a_discreet_reader_gets_our_neutral_words(app: Flask, smtp: MailServer, clock: FakeClock) -> None:
    mail = reminder(app, smtp, clock, discreet=True)
    assert mail.subject == "Reminder: Tuesday, 26 May 2026, 19:45, Online meeting"
    assert "This is coming up; you wanted to follow it:" in mail.text
    assert "We begin" not in mail.octets.decode() + mail.text + mail.html


@SQLITE
def test_words_without_a_subject_go_under_ours(app: Flask, smtp: MailServer, clock: FakeClock) -> None:
    change(app, ReminderRule, "day-before", subject={})
    mail = reminder(app, smtp, clock)
    assert mail.subject == "Reminder: Tuesday, 26 May 2026, 19:45, Opening session and discussion"


def test_reminders_due_together_by_one_rule_share_its_words(
    app: Flask, smtp: MailServer, clock: FakeClock, now: datetime
) -> None:
    change(app, ReminderRule, "day-before", minutes_before=3 * 24 * 60)
    assert reminder(app, smtp, clock).subject == (
        "amina, soon: Opening session and discussion; Discussion, premiere of “VictimA” and closing session"
    )


def test_a_rule_with_own_words_shares_no_mail_with_another(
    app: Flask, smtp: MailServer, clock: FakeClock, now: datetime
) -> None:
    with app.app_context():
        take_part_by_rule(AMINA, now=now)
    clock.move_to(FIRST_START - 15 * MINUTE)
    assert work(app) == 2
    assert sorted(mail.subject for mail in smtp.mails) == [
        "Reminder: Tuesday, 26 May 2026, 19:45, Opening session and discussion",
        "amina, soon: Discussion, premiere of “VictimA” and closing session",
    ]
