"""A participant's own page: see, change, be discreet, cancel, without a password."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask

from registration.domain import admission
from registration.domain.personal import open_personal, seal_into
from registration.extensions import db, writing
from registration.keys import new_public_id
from registration.models import Category, Event, EventSession, Organizer, Registration, Stream
from registration.models.event import EventState
from registration.models.programme import Audience, SessionState, StreamKind
from registration.models.registration import RegistrationState as State
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import (
    AMINA,
    DAY,
    LAST_END,
    SLUG,
    change,
    link_in,
    load_dialogue,
    rows,
    sign_up,
    take_part,
    work,
)
from tests.support.pages import Form, Page
from tests.support.smtp import MailServer, ReceivedMail

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
CHANGE = "form[action='/my/']"
CANCEL = "form[action='/my/cancel/']"
LEAVE = "form[action='/my/leave/']"
ROOM = "https://rooms.example.org/secret"


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app)


@pytest.fixture
def confirmed(client: Client, smtp: MailServer) -> ReceivedMail:
    """Amina takes part, and `client` is hers; the mail that confirms it."""
    return take_part(client, smtp)


def change_form(client: Client) -> Form:
    return client.page("/my/").form(CHANGE)


def own(client: Client, **values: object) -> Page:
    """Change wishes on the own page."""
    return client.submit(change_form(client), **values)


def cancel(client: Client) -> Page:
    return client.submit(client.page("/my/").form(CANCEL))


def decide(app: Flask, state: State, reason: str, now: datetime) -> None:
    """Let an organizer decline the only registration, with a reason."""
    assert state is State.DECLINED
    with app.app_context(), writing():
        organizer = Organizer(public_id=new_public_id(), address_hash=b"o" * 32, sealed=b"", created_at=now)
        db.session.add(organizer)
        db.session.flush()
        person = db.session.query(Registration).one()
        seal_into(person, type(open_personal(person))(**{**vars(open_personal(person)), "reason": reason}))
        admission.decline(person, by=organizer.id, now=now)


def add_room(app: Flask, categories: list[str]) -> None:
    """Open an interactive room for the confirmed of some categories."""
    with app.app_context(), writing():
        session = db.session.query(EventSession).filter_by(slug="human-rights").one()
        session.streams.append(
            Stream(
                slug="room",
                position=9,
                kind=StreamKind.LIVE,
                audience=Audience.CONFIRMED,
                language="floor",
                label={"en": "Dialogue room"},
                url=ROOM,
                categories=categories,
            )
        )
    change(app, Event, SLUG)


@SQLITE
def test_the_mailed_link_becomes_a_cookie_at_once(app: Flask, confirmed: ReceivedMail) -> None:
    visitor = app.test_client()
    link = link_in(confirmed, "/my/")
    response = visitor.get(link)
    assert (response.status_code, response.headers["Location"]) == (303, "/my/")
    page = visitor.page("/my/")
    assert page.heading == "My registration"
    assert link.split("/")[2] not in page.html.decode()


@SQLITE
def test_without_the_link_the_page_says_how_to_get_one(client: Client) -> None:
    page = client.page("/my/", 404)
    assert "Open this page by the link in your mail; the event page sends you a lost link again." in page.text


@pytest.mark.parametrize("key", ["x", "A" * 44, "A" * 4000, "%00" * 44, '"' + "\\000" * 44 + '"', "\xe9" * 44])
def test_a_cookie_that_is_none_of_ours_opens_nothing(app: Flask, key: str) -> None:
    visitor = app.test_client(use_cookies=False)
    assert visitor.get("/my/", headers={"Cookie": f"__Host-my={key}"}).status_code == 404


@SQLITE
def test_it_shows_who_one_is_and_the_own_times_first(client: Client, confirmed: ReceivedMail) -> None:
    page = client.page("/my/")
    assert page.texts(".facts dd") == ["Amina", AMINA, "Youth"]
    assert page.texts(".session h3") == [
        "Opening session and discussion",
        "Discussion, premiere of “VictimA” and closing session",
    ]
    assert page.texts(".session .times dt")[:3] == ["Kathmandu UTC+5:45", "New York UTC−4", "UTC"]
    assert page.texts(".session .times dd")[0] == "Tuesday, 26 May 2026 19:45 – 23:00"
    assert "All personal data of this event is deleted on Friday, 26 June 2026." in page.text


def test_another_zone_changes_page_and_calendar_and_is_mailed(
    app: Flask, client: Client, smtp: MailServer, confirmed: ReceivedMail
) -> None:
    page = own(client, zone="Pacific/Chatham")
    assert page.texts(".notice[role=status]") == ["Your changes are kept; a mail says so too."]
    assert page.texts(".session .times dd")[0] == "Wednesday, 27 May 2026 02:45 – 06:00"
    assert work(app) == 1
    mail = smtp.last_to(AMINA)
    assert mail.subject.startswith("Your registration has changed:")
    assert "Wednesday, 27 May 2026, 02:45 – 06:00 (Chatham, UTC+12:45)" in mail.text
    assert len(list(mail.message.iter_attachments())) == 2


def test_other_sessions_are_kept_and_mailed(
    app: Flask, client: Client, smtp: MailServer, confirmed: ReceivedMail
) -> None:
    page = own(client, sessions=["civil-society"])
    assert page.texts(".session h3") == ["Discussion, premiere of “VictimA” and closing session"]
    work(app)
    names = [part.get_filename() for part in smtp.last_to(AMINA).message.iter_attachments()]
    assert names == ["dialogue-next-civil-society.ics"]


@SQLITE
def test_another_language_is_that_of_page_and_mails(
    app: Flask, client: Client, smtp: MailServer, confirmed: ReceivedMail
) -> None:
    page = own(client, language="es")
    assert page.one("html")["lang"] == "es"
    assert page.texts(".session h3")[0] == "Sesión de apertura y debate"
    work(app)
    mail = smtp.last_to(AMINA)
    assert mail.message["Content-Language"] == "es"
    assert "martes, 26 de mayo de 2026, 19:45 – 23:00" in mail.text
    assert "/sessions/human-rights/?lang=es" in mail.text


@SQLITE
def test_a_page_kept_as_it_is_changes_nothing_and_mails_nothing(
    app: Flask, client: Client, confirmed: ReceivedMail
) -> None:
    assert own(client).texts(".notice[role=status]") == ["Nothing was changed."]
    assert work(app) == 0


NOT_OFFERED = "This choice is not offered; choose from the list."
WRONG_WISHES = [
    ("sessions", [], "Sessions you want to follow: Choose at least one session."),
    ("sessions", ["no-such"], f"Sessions you want to follow: {NOT_OFFERED}"),
    ("zone", "", "Your time zone: Choose the time zone you are in."),
    ("zone", "Mars/Phobos", "Your time zone: There is no such time zone; choose one from the list, as Asia/Kathmandu."),
    ("language", "tlh", f"Language of mails and of this page: {NOT_OFFERED}"),
    ("stream_language", "tlh", f"Language to follow in: {NOT_OFFERED}"),
    ("neutral_title", "x" * 81, "Neutral title: This is too long: shorten it to 80 characters."),
]


@SQLITE
def test_a_wish_that_cannot_be_is_refused_in_a_sentence(client: Client, confirmed: ReceivedMail) -> None:
    for field, typed, said in WRONG_WISHES:
        page = client.submit(change_form(client), 422, **{field: typed})
        assert page.texts(".summary li") == [said]
    assert len(client.page("/my/").all(".session")) == 2


def test_a_discreet_persons_mails_and_calendars_do_not_name_the_event(
    app: Flask, client: Client, smtp: MailServer, confirmed: ReceivedMail
) -> None:
    own(client, discreet=True, neutral_title="Team call")
    work(app)
    mail = smtp.last_to(AMINA)
    file = client.get("/my/sessions/human-rights.ics")
    assert mail.subject == "Your registration has changed: Team call"
    assert mail.message["From"] == "Meeting service <dialogue@example.org>"
    assert mail.message["Reply-To"] is None
    assert [part.get_filename() for part in mail.message.iter_attachments()] == ["meeting-1.ics", "meeting-2.ics"]
    assert "Content-Disposition: attachment; filename=meeting.ics" in str(file.headers)
    for told in (mail.octets.decode(), mail.text, mail.html, file.text):
        assert [word for word in ("dialogue-next", "Dialogue", "human-rights", "Terror", "webtv") if word in told] == []


@SQLITE
def test_a_discreet_sign_up_is_discreet_from_the_first_mail_on(client: Client, smtp: MailServer) -> None:
    take_part(client, smtp, discreet="y")
    assert [mail.subject for mail in smtp.mails] == [
        "Confirm your registration: Online meeting",
        "You are registered: Online meeting",
    ]
    for mail in smtp.mails:
        assert [word for word in ("Dialogue", "dialogue-next", "Terror") if word in mail.text + mail.html] == []


def test_who_cancels_is_told_and_their_place_goes_to_the_next(app: Flask, client: Client, smtp: MailServer) -> None:
    change(app, Category, "youth", places=1)
    take_part(client, smtp)
    take_part(app.test_client(), smtp, address="next@example.org")
    assert cancel(client).texts(".state") == ["You have cancelled your registration."]
    work(app)
    assert rows(app) == [("youth", State.CANCELLED), ("youth", State.CONFIRMED)]
    assert smtp.last_to(AMINA).subject.startswith("Your registration is cancelled:")
    assert smtp.last_to("next@example.org").subject.startswith("You are registered:")


@SQLITE
def test_a_cancelled_registration_cannot_be_changed_or_cancelled_again(
    app: Flask, client: Client, confirmed: ReceivedMail
) -> None:
    page = client.page("/my/")
    cancel(client)
    renewing = ["Renew", "Renew", "Renew", "Renew all my links"]
    buttons = ["Switch the feed off", *renewing, "Leave and forget me on this device"]
    assert client.page("/my/").texts("main button") == buttons
    assert "has ended and cannot be changed" in client.submit(page.form(CHANGE), 409, zone="UTC").text
    client.submit(page.form(CANCEL), 409)
    work(app)
    assert rows(app) == [("youth", State.CANCELLED)]


@SQLITE
def test_changes_from_another_site_are_refused(app: Flask, client: Client, confirmed: ReceivedMail) -> None:
    posts = [client.post("/my/", data={"zone": "UTC"}), client.post("/my/cancel/"), client.post("/my/leave/")]
    assert [response.status_code for response in posts] == [400] * 3
    assert rows(app) == [("youth", State.CONFIRMED)]


@SQLITE
def test_leaving_forgets_the_person_on_this_device(client: Client, confirmed: ReceivedMail) -> None:
    response = client.send(client.page("/my/").form(LEAVE))
    assert (response.status_code, response.headers["Location"]) == (303, "/")
    assert client.get("/my/").status_code == 404


@SQLITE
def test_a_declined_person_reads_the_reason(
    app: Flask, client: Client, smtp: MailServer, clock: FakeClock, confirmed: ReceivedMail
) -> None:
    decide(app, State.DECLINED, "We had to choose.\nPlease follow the stream.", clock.now)
    work(app)
    assert client.page("/my/").texts(".lines") == ["We had to choose. Please follow the stream."]
    assert "We had to choose.\r\nPlease follow the stream." in smtp.last_to(AMINA).text


@SQLITE
def test_a_discreet_persons_reason_stays_on_their_page(
    app: Flask, client: Client, smtp: MailServer, clock: FakeClock
) -> None:
    take_part(client, smtp, discreet="y")
    decide(app, State.DECLINED, "The Dialogue is full.", clock.now)
    work(app)
    assert smtp.last_to(AMINA).subject == "About your registration: Online meeting"
    assert "Dialogue" not in smtp.last_to(AMINA).text
    assert client.page("/my/").texts(".lines") == ["The Dialogue is full."]


@SQLITE
def test_a_room_is_shown_to_the_confirmed_of_its_categories_alone(app: Flask, client: Client, smtp: MailServer) -> None:
    add_room(app, ["youth", "member-states"])
    confirmed = take_part(client, smtp)
    in_review = app.test_client()
    reviewed_mail = take_part(in_review, smtp, "member-states", address="delegate@example.org")
    other = app.test_client()
    other_mail = take_part(other, smtp, "women-led", address="other@example.org")
    assert [ROOM in mail.text for mail in (confirmed, reviewed_mail, other_mail)] == [True, False, False]
    shown = [ROOM in visitor.get("/my/").text for visitor in (client, in_review, other)]
    assert shown == [True, False, False]


@SQLITE
def test_a_cancelled_session_says_so_and_loses_its_calendar_file(
    app: Flask, client: Client, smtp: MailServer, confirmed: ReceivedMail
) -> None:
    change(app, EventSession, "civil-society", state=SessionState.CANCELLED)
    page = client.page("/my/")
    assert page.texts(".session .notice") == ["This session is cancelled."]
    own(client, zone="UTC")
    work(app)
    names = [part.get_filename() for part in smtp.last_to(AMINA).message.iter_attachments()]
    assert names == ["dialogue-next-human-rights.ics"]


@SQLITE
def test_a_cancelled_event_is_the_first_thing_said(app: Flask, client: Client, confirmed: ReceivedMail) -> None:
    change(app, Event, SLUG, state=EventState.CANCELLED)
    assert client.page("/my/").texts(".state") == ["This event is cancelled."]


def test_after_the_event_is_forgotten_the_link_opens_nothing(
    app: Flask, client: Client, clock: FakeClock, confirmed: ReceivedMail
) -> None:
    clock.move_to(LAST_END + 30 * DAY)
    work(app)
    assert client.get("/my/").status_code == 404
    assert app.test_client().get(link_in(confirmed, "/my/")).status_code == 404


@SQLITE
def test_one_persons_cookie_shows_nothing_of_another(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp)
    other = app.test_client()
    take_part(other, smtp, address="other@example.org", name="Other")
    sign_up(other, name="Third", address="third@example.org")
    assert (AMINA in client.get("/my/").text, AMINA in other.get("/my/").text) == (True, False)


@SQLITE
def test_in_discreet_mode_the_key_goes_with_the_browsers_session(
    app: Flask, client: Client, confirmed: ReceivedMail
) -> None:
    """Somebody else may pick up this device."""
    path = link_in(confirmed, "/my/")
    cookies = [client.get(path).headers["Set-Cookie"]]
    cookies.append(client.send(client.page("/my/").form(CHANGE), discreet=True).headers["Set-Cookie"])
    cookies.append(client.get(path).headers["Set-Cookie"])
    assert [("Max-Age" in one, "Expires" in one) for one in cookies] == [(True, True), *[(False, False)] * 2]


@SQLITE
@pytest.mark.parametrize(("category", "told"), [("youth", True), ("victims-survivors", False)])
def test_a_place_in_the_line_is_not_told_where_it_says_how_many_are_at_risk(
    app: Flask, client: Client, smtp: MailServer, category: str, told: bool
) -> None:
    change(app, Category, category, places=1)
    take_part(app.test_client(), smtp, category, address="first@example.org")
    mail = take_part(client, smtp, category, address="second@example.org")
    texts = [" ".join(one.split()) for one in (mail.text, client.page("/my/").text)]
    assert ["number 1 on the waiting list" in one for one in texts] == [told] * 2
    assert ["on the waiting list" in one for one in texts] == [True] * 2
