"""Invitations by mail: each coming, going and changing gives exactly the messages it owes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from icalendar import Calendar

from registration import sweeping
from registration.domain import message_ids, outbox, participation
from registration.domain.owed import still_owed
from registration.domain.participation import current_wishes
from registration.extensions import db, writing
from registration.mail.letters import letter_for
from registration.models import Event, EventSession, Stream
from registration.models.event import EventState
from registration.models.programme import SessionState
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import (
    AMINA,
    FIRST_START,
    MINUTE,
    SECOND_START,
    SLUG,
    cancel_session,
    change,
    load_dialogue,
    move_session,
    registrations,
    take_part,
    work,
)
from tests.support.smtp import MailServer, ReceivedMail

HALF_HOUR = timedelta(minutes=30)


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app, invitations=True)


@pytest.fixture
def amina(client: Client, smtp: MailServer) -> Client:
    """A browser in which a confirmed participant's own page is open; her mails so far are read."""
    take_part(client, smtp)
    smtp.clear()
    return client


def asked(calendar: Calendar) -> tuple[str, str, datetime, int, str]:
    """(METHOD, first word of the title, start in UTC, SEQUENCE, STATUS) of an invitation."""
    [event] = calendar.walk("VEVENT")
    title = str(event["SUMMARY"]).split()[0]
    start = event.start.astimezone(FIRST_START.tzinfo)
    return str(calendar["METHOD"]), title, start, int(event["SEQUENCE"]), str(event["STATUS"])


def all_asked(smtp: MailServer, address: str = AMINA) -> list[tuple[str, str, datetime, int, str]]:
    return [asked(one) for one in smtp.invitations_to(address)]


def request(title: str, start: datetime, sequence: int = 0) -> tuple[str, str, datetime, int, str]:
    return "REQUEST", title, start, sequence, "CONFIRMED"


def cancel(title: str, start: datetime, sequence: int) -> tuple[str, str, datetime, int, str]:
    return "CANCEL", title, start, sequence, "CANCELLED"


def wish(app: Flask, clock: FakeClock, **wishes: Any) -> None:
    """Change what a participant wishes, by the rules."""
    with app.app_context(), writing():
        [one] = registrations(AMINA)
        stands = vars(current_wishes(one))
        participation.change(one, participation.Wishes(**{**stands, **wishes}), now=clock.now)


def later(app: Flask, clock: FakeClock, by: timedelta = 10 * MINUTE) -> None:
    """Let the window of gathered edits pass, and the worker work."""
    clock.advance(by)
    work(app)


def test_who_is_confirmed_gets_one_invitation_for_each_session_and_no_file(client: Client, smtp: MailServer) -> None:
    confirmation = take_part(client, smtp)
    assert all_asked(smtp) == [request("Opening", FIRST_START), request("Discussion,", SECOND_START)]
    assert list(confirmation.message.iter_attachments()) == []
    assert "An invitation to each session follows" in confirmation.text


def test_an_invitation_has_the_shape_that_calendars_look_for(client: Client, smtp: MailServer) -> None:
    take_part(client, smtp)
    mail = smtp.to(AMINA)[-1]
    shape = [(part.get_content_type(), part.get_param("method"), part.get_filename()) for part in mail.message.walk()]
    assert shape == [
        ("multipart/mixed", None, None),
        ("multipart/alternative", None, None),
        ("text/plain", None, None),
        ("text/html", None, None),
        ("text/calendar", "REQUEST", None),
        ("application/ics", None, "invite.ics"),
    ]
    parts = list(mail.message.walk())
    assert parts[4].get_payload(decode=True) == parts[5].get_payload(decode=True)


def test_an_invitation_says_the_times_and_the_watch_page_first_and_the_personal_link_last(
    client: Client, smtp: MailServer
) -> None:
    take_part(client, smtp)
    lines = [line for line in smtp.to(AMINA)[-1].text.splitlines() if line.strip()]
    links = [line for line in lines if "https://" in line]
    assert "20:45" not in lines[0]
    assert "18:45" in "".join(lines[:6])
    assert (links[0].split()[0], "/my/" in links[-1]) == ("Watch", True)


def test_a_moved_session_is_told_once_with_old_and_new_time(
    app: Flask, amina: Client, clock: FakeClock, smtp: MailServer
) -> None:
    move_session(app, "human-rights", HALF_HOUR)
    work(app)
    assert smtp.mails == []
    later(app, clock)
    [mail] = smtp.mails
    assert all_asked(smtp) == [request("Opening", FIRST_START + HALF_HOUR, sequence=1)]
    assert mail.subject.startswith("New time: ")
    assert "20:15" in mail.text  # the new start in Kathmandu
    assert "The time before was: " in mail.text
    assert "19:45" in mail.text.partition("The time before was: ")[2]
    later(app, clock)
    assert len(smtp.mails) == 1


def test_edits_within_the_window_are_one_message(app: Flask, amina: Client, clock: FakeClock, smtp: MailServer) -> None:
    move_session(app, "human-rights", HALF_HOUR)
    clock.advance(4 * MINUTE)
    move_session(app, "human-rights", HALF_HOUR)
    change(app, EventSession, "human-rights", title={"en": "Opening anew"})
    later(app, clock, 6 * MINUTE)
    assert all_asked(smtp) == [request("Opening", FIRST_START + 2 * HALF_HOUR, sequence=3)]
    assert "The title now is: Opening anew" in smtp.last_to(AMINA).text


def test_an_edit_taken_back_in_time_tells_nobody(app: Flask, amina: Client, clock: FakeClock, smtp: MailServer) -> None:
    move_session(app, "human-rights", HALF_HOUR)
    move_session(app, "human-rights", -HALF_HOUR)
    later(app, clock)
    assert smtp.mails == []


def test_an_edit_that_is_taken_back_while_the_mail_server_is_away_tells_nobody(
    app: Flask, amina: Client, clock: FakeClock, smtp: MailServer
) -> None:
    smtp.replies[AMINA] = "451 4.3.0 Later"
    move_session(app, "human-rights", HALF_HOUR)
    later(app, clock)
    move_session(app, "human-rights", -HALF_HOUR)
    smtp.replies.clear()
    later(app, clock, timedelta(hours=1))
    assert smtp.mails == []


def test_shortly_before_a_session_people_are_told_at_once(
    app: Flask, amina: Client, clock: FakeClock, smtp: MailServer
) -> None:
    clock.advance(FIRST_START - clock.now - timedelta(minutes=119))
    work(app)
    smtp.clear()
    move_session(app, "human-rights", HALF_HOUR)
    work(app)
    assert all_asked(smtp) == [request("Opening", FIRST_START + HALF_HOUR, sequence=1)]


def test_a_new_title_is_told_to_those_who_read_that_language_alone(
    app: Flask, client: Client, clock: FakeClock, smtp: MailServer
) -> None:
    take_part(client, smtp)
    take_part(app.test_client(), smtp, address="bruno@example.org", language="fr")
    wish_french(app, clock)
    work(app)
    smtp.clear()
    with app.app_context():
        title = dict(db.session.query(EventSession).filter_by(slug="human-rights").one().title)
    change(app, EventSession, "human-rights", title={**title, "fr": "Ouverture"})
    later(app, clock)
    assert [mail.recipients for mail in smtp.mails] == [("bruno@example.org",)]


def wish_french(app: Flask, clock: FakeClock) -> None:
    with app.app_context(), writing():
        [one] = registrations("bruno@example.org")
        stands = vars(current_wishes(one))
        participation.change(one, participation.Wishes(**{**stands, "language": "fr"}), now=clock.now)


def test_a_new_stream_is_told_and_leaves_the_watch_page_where_it_was(
    app: Flask, amina: Client, clock: FakeClock, smtp: MailServer
) -> None:
    with app.app_context(), writing():
        session = db.session.query(EventSession).filter_by(slug="human-rights").one()
        for stream in session.streams:
            stream.url = "https://media.example.org/elsewhere"
    change(app, EventSession, "human-rights", state=SessionState.SCHEDULED)
    later(app, clock)
    [mail] = smtp.mails
    assert mail.subject.startswith("New address of the stream: ")
    assert "https://media.example.org/elsewhere" in mail.text
    assert db_streams(app) == {"https://media.example.org/elsewhere"}


def db_streams(app: Flask) -> set[str]:
    with app.app_context():
        return {one.url for one in db.session.query(Stream).join(EventSession).filter_by(slug="human-rights")}


def test_a_cancelled_session_leaves_the_calendar_and_comes_back_when_it_is_restored(
    app: Flask, amina: Client, clock: FakeClock, smtp: MailServer
) -> None:
    cancel_session(app, "human-rights")
    later(app, clock)
    change(app, EventSession, "human-rights", state=SessionState.SCHEDULED)
    later(app, clock)
    assert all_asked(smtp) == [cancel("Opening", FIRST_START, 1), request("Opening", FIRST_START, 2)]
    subjects = [mail.subject.partition(":")[0] for mail in smtp.mails]
    assert subjects == ["Cancelled", "Takes place after all"]


def test_a_cancelled_event_takes_back_every_invitation(
    app: Flask, amina: Client, clock: FakeClock, smtp: MailServer
) -> None:
    change(app, Event, SLUG, state=EventState.CANCELLED)
    later(app, clock)
    assert all_asked(smtp) == [cancel("Opening", FIRST_START, 1), cancel("Discussion,", SECOND_START, 1)]


def test_a_cancelled_registration_gives_a_letter_and_takes_back_the_invitations(
    app: Flask, amina: Client, clock: FakeClock, smtp: MailServer
) -> None:
    with app.app_context(), writing():
        participation.cancel(registrations(AMINA)[0], now=clock.now)
    work(app)
    assert all_asked(smtp) == [cancel("Opening", FIRST_START, 1), cancel("Discussion,", SECOND_START, 1)]
    assert len(smtp.letters_to(AMINA)) == 1
    smtp.clear()
    take_part(amina, smtp)
    assert all_asked(smtp) == [request("Opening", FIRST_START, 2), request("Discussion,", SECOND_START, 2)]


def test_a_session_that_is_not_wanted_any_more_leaves_the_calendar(
    app: Flask, amina: Client, clock: FakeClock, smtp: MailServer
) -> None:
    with app.app_context():
        [one] = registrations(AMINA)
        second = one.choices[1].session_id
    wish(app, clock, session_ids=(second,))
    work(app)
    assert all_asked(smtp) == [cancel("Opening", FIRST_START, 1)]
    assert len(smtp.letters_to(AMINA)) == 1


def test_another_language_or_discreet_mode_writes_the_entries_anew(
    app: Flask, amina: Client, clock: FakeClock, smtp: MailServer
) -> None:
    wish(app, clock, language="fr")
    work(app)
    assert [one[3] for one in all_asked(smtp)] == [1, 1]
    smtp.clear()
    wish(app, clock, discreet=True, neutral_title="Yoga")
    work(app)
    titles = [str(one.walk("VEVENT")[0]["SUMMARY"]) for one in smtp.invitations_to(AMINA)]
    assert (titles, [one[3] for one in all_asked(smtp)]) == (["Yoga", "Yoga"], [2, 2])


def test_another_zone_changes_no_entry(app: Flask, amina: Client, clock: FakeClock, smtp: MailServer) -> None:
    wish(app, clock, zone="Australia/Sydney")
    work(app)
    assert (all_asked(smtp), len(smtp.letters_to(AMINA))) == ([], 1)


def test_who_prefers_a_feed_has_the_invitations_taken_back_and_is_told_of_changes_by_letter(
    app: Flask, amina: Client, clock: FakeClock, smtp: MailServer
) -> None:
    wish(app, clock, invitations=False)
    work(app)
    assert [one[0] for one in all_asked(smtp)] == ["CANCEL", "CANCEL"]
    assert [names(mail) for mail in smtp.letters_to(AMINA)] == [[]]
    assert sequence_of_own_file(amina) > max(one[3] for one in all_asked(smtp))
    smtp.clear()
    move_session(app, "human-rights", HALF_HOUR)
    later(app, clock)
    [mail] = smtp.mails
    assert (mail.invitation, mail.subject.startswith("New time: ")) == (None, True)
    assert [part.get_filename() for part in mail.message.iter_attachments()] == ["dialogue-next-human-rights.ics"]
    smtp.clear()
    wish(app, clock, invitations=True)
    work(app)
    assert [one[0] for one in all_asked(smtp)] == ["REQUEST", "REQUEST"]


def test_where_invitations_are_off_a_change_is_a_letter_with_a_file(
    app: Flask, client: Client, clock: FakeClock, smtp: MailServer
) -> None:
    change(app, Event, SLUG, invitations=False)
    take_part(client, smtp)
    smtp.clear()
    move_session(app, "human-rights", HALF_HOUR)
    later(app, clock)
    cancel_session(app, "civil-society")
    later(app, clock)
    assert [mail.subject.partition(":")[0] for mail in smtp.mails] == ["New time", "Cancelled"]
    assert [names(mail) for mail in smtp.mails] == [["dialogue-next-human-rights.ics"], []]


def names(mail: ReceivedMail) -> list[str | None]:
    return [part.get_filename() for part in mail.message.iter_attachments()]


def test_a_change_while_the_mail_is_on_its_way_gives_another(
    app: Flask, amina: Client, clock: FakeClock, smtp: MailServer
) -> None:
    smtp.replies[AMINA] = "550 5.6.0 Refused"
    move_session(app, "human-rights", HALF_HOUR)
    later(app, clock)
    smtp.replies.clear()
    move_session(app, "human-rights", HALF_HOUR)
    later(app, clock)
    assert all_asked(smtp) == [request("Opening", FIRST_START + 2 * HALF_HOUR, sequence=2)]
    assert "19:45" in smtp.mails[0].text.partition("The time before was: ")[2]


def test_an_event_that_stops_inviting_goes_on_with_who_has_invitations(
    app: Flask, amina: Client, clock: FakeClock, smtp: MailServer
) -> None:
    change(app, Event, SLUG, invitations=False)
    later(app, clock)
    assert smtp.mails == []
    move_session(app, "human-rights", HALF_HOUR)
    later(app, clock)
    assert all_asked(smtp) == [request("Opening", FIRST_START + HALF_HOUR, sequence=1)]


def test_an_event_that_begins_to_invite_does_so_with_the_next_change(
    app: Flask, client: Client, clock: FakeClock, smtp: MailServer
) -> None:
    change(app, Event, SLUG, invitations=False)
    take_part(client, smtp)
    change(app, Event, SLUG, invitations=True)
    smtp.clear()
    later(app, clock)
    assert smtp.mails == []
    move_session(app, "human-rights", HALF_HOUR)
    later(app, clock)
    assert all_asked(smtp) == [request("Opening", FIRST_START + HALF_HOUR, sequence=1)]


def sequence_of_own_file(client: Client) -> int:
    [event] = Calendar.from_ical(client.get("/my/sessions/human-rights.ics").data).walk("VEVENT")
    return int(event["SEQUENCE"])


def test_who_prefers_a_feed_while_a_move_is_gathered_reads_that_the_invitation_is_taken_back(
    app: Flask, amina: Client, clock: FakeClock, smtp: MailServer
) -> None:
    move_session(app, "human-rights", HALF_HOUR)
    wish(app, clock, invitations=False)
    work(app)
    [told] = [mail for mail in smtp.mails if mail.subject.startswith("New time")]
    assert told.invitation is not None
    assert str(told.invitation["METHOD"]) == "CANCEL"
    assert "Your invitation to it is taken back with this mail" in told.text
    assert "corrects the entry" not in told.text


def test_a_notice_that_waits_is_good_until_the_new_end(
    app: Flask, amina: Client, clock: FakeClock, smtp: MailServer
) -> None:
    smtp.replies[AMINA] = "451 4.3.0 Later"
    move_session(app, "human-rights", HALF_HOUR)
    later(app, clock)
    move_session(app, "human-rights", timedelta(days=7))
    smtp.replies.clear()
    later(app, clock, FIRST_START + timedelta(hours=6) - clock.now)
    moved = FIRST_START + HALF_HOUR + timedelta(days=7)
    assert request("Opening", moved, sequence=2) in all_asked(smtp)


def test_what_changes_between_two_tries_has_a_message_id_of_its_own(
    app: Flask, amina: Client, clock: FakeClock, smtp: MailServer
) -> None:
    move_session(app, "human-rights", HALF_HOUR)
    ids = set()
    for _try in range(2):
        clock.advance(timedelta(hours=1))
        ids |= {message_id_of_next(app, clock)}
    assert len(ids) == 1
    move_session(app, "human-rights", HALF_HOUR)
    clock.advance(timedelta(hours=1))
    assert message_id_of_next(app, clock) not in ids


def message_id_of_next(app: Flask, clock: FakeClock) -> str:
    """The Message-ID of the mail that a worker would send next, and does not."""
    with app.app_context():
        sweeping.sweep()
        with writing():
            [[one]] = outbox.claim(owner="one", limit=1, now=clock.now)
        delivery = still_owed(one, owner="one", now=clock.now)
        assert delivery
        letter = letter_for([delivery], now=clock.now)
        found = message_ids.message_id([delivery], "example.org", version=letter.version)
        with writing():
            outbox.release(owner="one")
        return found


def test_who_comes_back_after_a_session_was_restored_is_invited_again(
    app: Flask, amina: Client, clock: FakeClock, smtp: MailServer
) -> None:
    cancel_session(app, "human-rights")
    later(app, clock)
    with app.app_context(), writing():
        participation.cancel(registrations(AMINA)[0], now=clock.now)
    work(app)
    change(app, EventSession, "human-rights", state=SessionState.SCHEDULED)
    later(app, clock)
    smtp.clear()
    take_part(amina, smtp)
    assert {one[:3] for one in all_asked(smtp)} == {
        ("REQUEST", "Opening", FIRST_START),
        ("REQUEST", "Discussion,", SECOND_START),
    }


def test_a_session_moved_and_cancelled_is_told_as_it_was_known(
    app: Flask, amina: Client, clock: FakeClock, smtp: MailServer
) -> None:
    move_session(app, "human-rights", HALF_HOUR)
    cancel_session(app, "human-rights")
    later(app, clock)
    [mail] = smtp.mails
    assert ("19:45" in mail.text, "20:15" in mail.text) == (True, False)


def test_a_change_of_zone_promises_no_invitation(app: Flask, amina: Client, clock: FakeClock, smtp: MailServer) -> None:
    wish(app, clock, zone="Australia/Sydney")
    work(app)
    assert "An invitation to each session follows" not in smtp.last_to(AMINA).text
