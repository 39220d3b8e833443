"""What organizers see of one person's mails, and what they can do about them."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy import select, update

from registration.domain import mail_status, owing, stopped
from registration.domain.bounces import Bounce, note
from registration.domain.mail_status import Counts
from registration.extensions import db, writing
from registration.models import Announcement, Delivery, EventSession, Organizer, Registration
from registration.models.delivery import DeliveryKind as Kind
from registration.models.delivery import DeliveryState as State
from registration.models.organizer import Role
from registration.models.registration import RegistrationState
from registration.web.organizer.mail_words import reason_text
from tests.support.client import Client
from tests.support.clock import START, FakeClock
from tests.support.dialogue import (
    AMINA,
    DAY,
    LAST_END,
    MINUTE,
    load_dialogue,
    owed,
    registration,
    sign_up_by_rule,
    take_part,
    take_part_by_rule,
    work,
)
from tests.support.organizers import DESK, LIST, add_person, at_desk, unmask
from tests.support.pages import Page
from tests.support.smtp import MailServer

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HANDED_OVER = "Handed over to the mail server: 2 Mar 2026, 10:00 UTC−5"
DIGEST = b"7" * 16
HOME = "/organizer/"


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app)


@pytest.fixture
def reviewer(app: Flask) -> Client:
    return at_desk(app, Role.REVIEWER)


@pytest.fixture
def amina(app: Flask, now: datetime) -> str:
    """Somebody confirmed whose mails so far were handed over: the proof and the confirmation."""
    with app.app_context():
        return registration(take_part_by_rule(now=now)).public_id


def settle(app: Flask, kind: Kind, **values: object) -> None:
    """Let the mails of a kind have become so."""
    with app.app_context(), writing():
        db.session.execute(update(Delivery).where(Delivery.kind == kind).values(**values))


def come_back(app: Flask, status: str = "5.1.1", kind: Kind = Kind.CONFIRMED) -> None:
    """Let a mail that was handed over come back."""
    settle(app, kind, message_digest=DIGEST)
    with app.app_context(), writing():
        note(Bounce(DIGEST, "failed", status), now=START + MINUTE)


def lines(page: Page) -> list[tuple[str, str]]:
    """(mail, what happened) of each line of the table."""
    return list(zip(page.texts("section tbody th"), page.texts("td.mail"), strict=True))


def again_forms(page: Page) -> list[str]:
    return [str(form["action"]) for form in page.all("form[action$='/again']")]


def again(page: Page, mail: str) -> str:
    """The selector of the form that sends a mail again."""
    return f'form:has([aria-label="Send again: {mail}"])'


def test_all_mails_are_listed_the_newest_first_with_what_happened(
    app: Flask, reviewer: Client, amina: str, clock: FakeClock
) -> None:
    with app.app_context(), writing():
        owing.owe(registration(1), Kind.LINK, now=START + MINUTE)
        owing.owe(registration(1), Kind.CHANGED, now=START + 2 * MINUTE)
        session_id = db.session.scalars(select(EventSession.id).where(EventSession.slug == "human-rights")).one()
        reminder = owing.Recipient(1, amina, 1)
        owing.owe(reminder, Kind.REMINDER, now=START + 3 * MINUTE)
        db.session.execute(update(Delivery).where(Delivery.kind == Kind.REMINDER).values(session_id=session_id))
    settle(app, Kind.CHANGED, tries=2, reply_code=452, reply_status="4.2.2", next_try_at=START + DAY)
    settle(app, Kind.REMINDER, state=State.DROPPED, settled_at=START + DAY)
    come_back(app)
    settle(app, Kind.PROVE, state=State.FAILED, reply_code=550, reply_status="5.7.1")
    with app.app_context():
        title = db.session.scalars(select(EventSession).where(EventSession.slug == "human-rights")).one().title["en"]
    not_needed = "Not sent, for it was not needed any more. 3 Mar 2026, 10:00 UTC−5"
    stopped_words = "Not sent, for this address takes no mail. 2 Mar 2026, 10:01 UTC−5"
    assert lines(reviewer.page(f"{LIST}{amina}/")) == [
        (f"Reminder of {title}", not_needed),
        ("Changes of the registration", stopped_words),
        ("The lost link", stopped_words),
        ("Confirmation", "Came back: There is no such mailbox (5.1.1). 2 Mar 2026, 10:01 UTC−5"),
        ("Link to confirm the address", "Refused for good: Refused as unwanted (5.7.1). 2 Mar 2026, 10:00 UTC−5"),
    ]


@SQLITE
def test_a_mail_that_would_have_come_too_late_is_told_as_missed(app: Flask, reviewer: Client, amina: str) -> None:
    settle(app, Kind.CONFIRMED, state=State.DROPPED, settled_at=START + DAY, useful_until=START + DAY)
    missed = "Missed: not sent, for it would have come too late. 3 Mar 2026, 10:00 UTC−5"
    assert lines(reviewer.page(f"{LIST}{amina}/"))[0] == ("Confirmation", missed)


@SQLITE
def test_a_mail_that_waits_says_after_how_many_tries_and_until_when(app: Flask, reviewer: Client, amina: str) -> None:
    with app.app_context(), writing():
        owing.owe(registration(1), Kind.LINK, now=START)
    assert lines(reviewer.page(f"{LIST}{amina}/"))[0] == ("The lost link", "Waits to be sent.")
    settle(app, Kind.LINK, tries=2, reply_code=452, reply_status="4.2.2", next_try_at=START + 4 * MINUTE)
    waits = "Waits after 2 tries (The mailbox is full (4.2.2)). Tried again: 2 Mar 2026, 10:04 UTC−5"
    assert lines(reviewer.page(f"{LIST}{amina}/"))[0] == ("The lost link", waits)
    settle(app, Kind.LINK, tries=1, reply_code=None, reply_status=None)
    waits = "Waits after 1 try (The mail server did not answer). Tried again: 2 Mar 2026, 10:04 UTC−5"
    assert lines(reviewer.page(f"{LIST}{amina}/"))[0] == ("The lost link", waits)


@SQLITE
@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        ("5.1.1", 550, "There is no such mailbox (5.1.1)"),
        ("5.1.99", 550, "Something is wrong with the address (5.1.99)"),
        ("5.2.2", 250, "The mailbox is full (5.2.2)"),
        ("5.9.9", 550, "5.9.9"),
        (None, 550, "The mailbox is not there, or takes no mail from us (550)"),
        (None, 571, "571"),
        (None, None, "The mail server did not answer"),
    ],
)
def test_a_reason_is_words_and_numbers_or_numbers_alone(
    app: Flask, status: str | None, code: int | None, words: str
) -> None:
    with app.test_request_context():
        assert reason_text(status, code) == words


def test_a_mail_is_sent_again_under_a_new_message_id(
    app: Flask, client: Client, smtp: MailServer, reviewer: Client
) -> None:
    take_part(client, smtp)
    first = smtp.last_to(AMINA)
    with app.app_context():
        person = registration(1).public_id
    page = reviewer.page(f"{LIST}{person}/")
    assert page.texts(f"{again(page, 'Confirmation')} span") == ["It was handed over: this is a second copy."]
    sent = reviewer.submit(page.form(again(page, "Confirmation")))
    assert sent.texts(".notice") == ["The mail is sent again."]
    assert dict(lines(sent))["Confirmation"] == "Waits to be sent."
    assert work(app) == 1
    second = smtp.last_to(AMINA)
    assert second.subject == first.subject
    assert second.message["Message-ID"] != first.message["Message-ID"]
    assert dict(lines(reviewer.page(f"{LIST}{person}/")))["Confirmation"] == HANDED_OVER


def test_a_proof_is_sent_again_while_its_link_is_good(
    app: Flask, smtp: MailServer, reviewer: Client, clock: FakeClock
) -> None:
    with app.app_context():
        sign_up_by_rule(now=clock.now)
        person = registration(1).public_id
    work(app)
    page = reviewer.page(f"{LIST}{person}/")
    reviewer.submit(page.form(again(page, "Link to confirm the address")))
    assert work(app) == 1
    clock.advance(2 * DAY)
    assert again_forms(at_desk(app, Role.REVIEWER, address="next@example.org").page(f"{LIST}{person}/")) == []
    assert len(smtp.to(AMINA)) == 2


@SQLITE
def test_what_did_not_arrive_is_no_second_copy(app: Flask, reviewer: Client, amina: str) -> None:
    settle(app, Kind.CONFIRMED, state=State.FAILED, reply_code=550)
    page = reviewer.page(f"{LIST}{amina}/")
    assert (len(again_forms(page)), page.texts("form[action$='/again'] span")) == (1, [])


def test_what_has_nothing_to_tell_any_more_is_not_sent_again(app: Flask, reviewer: Client, amina: str) -> None:
    page = reviewer.page(f"{LIST}{amina}/")
    form = page.form(again(page, "Confirmation"))
    assert len(again_forms(page)) == 1
    with app.app_context(), writing():
        registration(1).state = RegistrationState.CANCELLED
    assert again_forms(reviewer.page(f"{LIST}{amina}/")) == []
    refused = reviewer.submit(form)
    assert refused.texts(".notice.error") == [
        "This mail has nothing more to tell this person, so it is not sent again."
    ]
    assert dict(lines(refused))["Confirmation"] == HANDED_OVER


@SQLITE
def test_a_waiting_mail_and_one_past_its_use_are_not_sent_again(
    app: Flask, reviewer: Client, amina: str, clock: FakeClock
) -> None:
    page = reviewer.page(f"{LIST}{amina}/")
    form = page.form(again(page, "Confirmation"))
    reviewer.submit(form)
    assert reviewer.submit(form).texts(".notice.error") == ["This mail is waiting to be sent already."]
    settle(app, Kind.CONFIRMED, state=State.SENT)
    clock.move_to(LAST_END + DAY)
    late = at_desk(app, Role.OWNER)
    assert again_forms(late.page(f"{LIST}{amina}/")) == []


@SQLITE
def test_nobody_sends_again_what_is_another_persons(app: Flask, reviewer: Client, amina: str) -> None:
    with app.app_context():
        other = add_person("Bo")
    page = reviewer.page(f"{LIST}{amina}/")
    form = page.form(again(page, "Confirmation"))
    form.action = form.action.replace(amina, other)
    sentence = "There is no such mail; look for it among the mails of this person."
    assert sentence in reviewer.submit(form, 404).text
    with app.app_context():
        assert owed(Kind.CONFIRMED) == [(Kind.CONFIRMED, State.SENT)]


def test_an_invitation_that_came_back_is_sent_again_with_a_higher_sequence(
    app: Flask, client: Client, smtp: MailServer, reviewer: Client
) -> None:
    load_dialogue(app, invitations=True)
    take_part(client, smtp, sessions=["human-rights"])
    (first,) = smtp.invitations_to(AMINA)
    come_back(app, "5.2.2", Kind.INVITATION)
    with app.app_context():
        person = registration(1).public_id
    page = reviewer.page(f"{LIST}{person}/")
    name = next(mail for mail, _what in lines(page) if mail.startswith("Invitation to "))
    reviewer.submit(page.form(again(page, name)))
    assert work(app) == 1
    second = smtp.invitations_to(AMINA)[-1]
    assert (second["METHOD"], second.events[0]["UID"]) == ("REQUEST", first.events[0]["UID"])
    assert second.events[0]["SEQUENCE"] == first.events[0]["SEQUENCE"] + 1
    assert work(app) == 0


def test_a_stopped_address_is_told_and_can_be_written_to_again(app: Flask, reviewer: Client, amina: str) -> None:
    come_back(app)
    page = reviewer.page(f"{LIST}{amina}/")
    assert page.texts(".notice.error p") == [
        "This address takes no mail, so no more is sent to it. There is no such mailbox (5.1.1)."
        " Stopped: 2 Mar 2026, 10:01 UTC−5"
    ]
    assert again_forms(page) == []
    with app.app_context():
        before = owed()
    freed = reviewer.submit(page.form("form[action$=write-again]"))
    assert freed.all(".notice.error") == []
    with app.app_context():
        assert owed() == before
    reviewer.submit(freed.form(again(freed, "Confirmation")))
    assert work(app) == 1


@SQLITE
def test_nothing_is_sent_again_to_a_stopped_address(app: Flask, reviewer: Client, amina: str) -> None:
    page = reviewer.page(f"{LIST}{amina}/")
    form = page.form(again(page, "Confirmation"))
    come_back(app)
    said = reviewer.submit(form).texts(".notice.error")
    assert said[0] == "This address takes no mail; first let it be written to again."


@SQLITE
@pytest.mark.parametrize(("role", "sees"), [(Role.EXPORTER, 0), (Role.REVIEWER, 1), (Role.EDITOR, 1), (Role.OWNER, 1)])
def test_buttons_are_for_roles_that_may(app: Flask, amina: str, role: Role, sees: int) -> None:
    desk = at_desk(app, role)
    assert len(again_forms(desk.page(f"{LIST}{amina}/"))) == sees
    come_back(app)
    page = desk.page(f"{LIST}{amina}/")
    assert len(page.all("form[action$=write-again]")) == sees
    assert len(lines(page)) == 2


def test_the_desk_leads_to_those_whose_mail_comes_back(app: Flask, reviewer: Client, amina: str) -> None:
    with app.app_context():
        add_person("Bo")
        sign_up_by_rule("wrong@example.org", now=START)
    assert reviewer.page(DESK).all(".notice.error") == []
    assert reviewer.page(HOME).all(".mark") == []
    settle(app, Kind.PROVE, message_digest=b"8" * 16)
    with app.app_context(), writing():
        address_hash = db.session.scalars(select(Registration.address_hash).order_by(Registration.id.desc())).first()
        assert address_hash
        stopped.stop(address_hash, "5.1.2", now=START)
    come_back(app)
    for path in (DESK, HOME):
        found = reviewer.page(reviewer.page(path).link("Mail to 1 person comes back"))
        assert found.texts("tbody th") == ["amina Mail comes back"]
    everybody = reviewer.page(LIST)
    assert sorted(everybody.texts("tbody th")) == ["Bo", "amina Mail comes back"]
    viewer = at_desk(app, Role.VIEWER)
    assert [viewer.page(DESK).all(".notice.error"), viewer.page(HOME).all(".mark")] == [[], []]


@SQLITE
def test_an_unknown_list_of_mails_is_said_beside_its_field(reviewer: Client) -> None:
    page = reviewer.page(f"{LIST}?mail=everything", 422)
    assert page.texts("#mail-error") == ["This choice is not offered; choose from the list."]


@SQLITE
def test_an_announcements_subject_is_hidden_with_the_category_it_may_tell(app: Flask) -> None:
    with app.app_context():
        hidden, shown = add_person("Amina", "victims-survivors"), add_person("Bo", "youth")
    clients = [at_desk(app, role) for role in (Role.OWNER, Role.EXPORTER)]
    with app.app_context(), writing():
        announcement = Announcement(
            event_id=1,
            subject={"en": "To all survivors"},
            text={"en": "Words"},
            states=[],
            categories=[],
            sessions=[],
            languages=[],
            created_by=db.session.scalars(select(Organizer.id)).first() or 0,
            created_at=START,
            updated_at=START,
        )
        db.session.add(announcement)
        db.session.flush()
        for number, public_id in ((1, hidden), (2, shown)):
            owing.owe(owing.Recipient(number, public_id, 1), Kind.ANNOUNCEMENT, now=START)
        db.session.execute(update(Delivery).values(announcement_id=announcement.id))
    names = [[lines(one.page(f"{LIST}{public_id}/"))[0][0] for public_id in (hidden, shown)] for one in clients]
    full, short = "Announcement: To all survivors", "Announcement"
    assert names == [[short, full], [short, full]]
    assert lines(unmask(clients[0]).page(f"{LIST}{hidden}/"))[0][0] == full


def test_mails_are_counted_by_state(app: Flask, amina: str) -> None:
    with app.app_context():
        sign_up_by_rule("other@example.org", now=START)
        come_back(app, "5.2.2")
        mine = mail_status.counts(Delivery.registration_id == 1)
        assert mine == Counts(sent=1, bounced=1)
        assert mail_status.counts() == Counts(sent=1, bounced=1, waiting=1)
        assert mail_status.counts(Delivery.kind == Kind.ANNOUNCEMENT) == Counts()
        assert (mine.all, Counts().all) == (2, 0)


@SQLITE
def test_the_event_counts_what_came_back(app: Flask, reviewer: Client, amina: str) -> None:
    come_back(app, "5.2.2")
    counted = reviewer.page(DESK).one("#mails + dl").get_text(" ", strip=True)
    assert "Sent 1 Due now 0 Waiting for their time 0" in counted
    assert "Come back 1" in counted
