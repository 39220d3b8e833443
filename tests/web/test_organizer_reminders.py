"""Reminder rules at the desk: writing one, who gets it, its preview, a test to oneself, pausing and sending it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from registration import sweeping
from registration.domain import reminder_edits
from registration.domain.access import ALLOWED, Action
from registration.domain.programme import event_named
from registration.domain.reminder_edits import rule_called
from registration.domain.reminder_times import When
from registration.domain.reminder_values import RuleValues, values_of
from registration.extensions import db, writing
from registration.models import Event, ReminderRule
from registration.models.event import EventState
from registration.models.organizer import Role
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import DAY, FIRST_START, MINUTE, SLUG, change, load_dialogue, move_session, work
from tests.support.organizers import DESK, LIST, add_people, add_person, at_desk, unmask
from tests.support.pages import Page, words
from tests.support.ports import free_port
from tests.support.smtp import MailServer
from tests.web.test_organizer_attendees import counted_queries

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
REMINDERS = f"{DESK}reminders/"
NEW = f"{DESK}new-reminder/"
RULE = f"{REMINDERS}day-before/"
PREVIEW = f"{RULE}preview/"
SEND = f"{RULE}sessions/human-rights/send/"
FORM = "form.session-form"
SESSIONS = ("human-rights", "civil-society")
DUE = FIRST_START - DAY
KNOWN = "there are {name}, {event}, {session}, {time}, {watch_page}, {own_page}."
EDITOR = "editor@example.org"
HOUR = 60 * MINUTE
PEOPLE = ("amina@example.org", "bo@example.org", "chi@example.org")


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app)


@pytest.fixture
def editor(app: Flask) -> Client:
    return at_desk(app, Role.EDITOR)


def people(app: Flask) -> None:
    """Three who take part in both sessions, of whom one is protected."""
    with app.app_context():
        add_person("Amina", "youth", sessions=SESSIONS, address=PEOPLE[0])
        add_person("Bo", "women-led", sessions=SESSIONS, language="fr", address=PEOPLE[1])
        add_person("Chi", "victims-survivors", sessions=SESSIONS, language="fr", address=PEOPLE[2])


def rounds(page: Page) -> list[list[str]]:
    """The cells of all rounds."""
    return [[words(cell) for cell in row.select("th, td")] for row in page.all("tbody tr")]


def save(desk: Client, status: int = 200, path: str = RULE, **values: Any) -> Page:
    return desk.submit(desk.page(path).form(FORM), status, **values)


def press(desk: Client, page: Page, action: str) -> Page:
    return desk.submit(page.form(f'form[action$="{action}"]'))


def body_of(desk: Client, path: str) -> TestResponse:
    """A mail's HTML, which is no page of ours and is not checked as one."""
    return FlaskClient.open(desk, f"{desk.public_url}{path}")


def stands(app: Flask, slug: str = "day-before") -> dict[str, Any]:
    with app.app_context():
        return vars(values_of(rule_called(event_named(SLUG), slug)))


def told(page: Page) -> list[str]:
    return page.texts(".notice[role]")


def test_the_list_shows_how_each_rule_stands_for_every_session(
    app: Flask, editor: Client, smtp: MailServer, clock: FakeClock
) -> None:
    people(app)
    page = editor.page(editor.page(DESK).link("Reminders"))
    assert page.texts("h2") == ["1 day before the start", "15 minutes before the start"]
    due = "25 May 2026, 10:00 UTC−4 25 May 2026, 14:00 UTC"
    assert rounds(page)[0] == ["Opening session and discussion", "Planned", due, "3", "–"]
    clock.move_to(DUE)
    editor = at_desk(app, Role.EDITOR)
    assert rounds(editor.page(REMINDERS))[0][1] == "Due now: it leaves in a moment"
    with app.app_context():
        sweeping.sweep()
    assert rounds(editor.page(REMINDERS))[0][1:] == ["Sending: 3 mails are waiting", due, "3", "sent: 0"]
    smtp.replies["bo@example.org"] = "550 5.1.1 Unknown"
    work(app)
    sent = "Sent at 25 May 2026, 10:00 UTC−4"
    assert rounds(editor.page(REMINDERS))[0][1:] == [sent, due, "3", "sent: 2 · failed: 1"]
    move_session(app, "human-rights", 2 * HOUR)
    assert [row[1:] for row in rounds(editor.page(REMINDERS))[:2]] == [
        [f"{sent} (for the earlier start, 26 May 2026, 10:00 UTC−4)", "–", "–", "sent: 2 · failed: 1"],
        ["Planned", "25 May 2026, 12:00 UTC−4 25 May 2026, 16:00 UTC", "3", "–"],
    ]


def test_a_rule_is_written_tried_resumed_and_then_sent_once(
    app: Flask, editor: Client, smtp: MailServer, clock: FakeClock
) -> None:
    people(app)
    form = editor.page(NEW).form(FORM)
    form.values["paused"] = "1"
    words_typed = {"subject_en": "Tomorrow: {session}", "text_en": "Until tomorrow, {name}."}
    when = {"way": "clock", "days_before": "1", "clock_time": "18:00"}
    page = editor.submit(form, sessions=["human-rights"], **when, **words_typed)
    assert told(page) == ["Saved; it is paused until you resume it."]
    assert page.heading == "Reminder: at 18:00, 1 day before"
    assert rounds(page) == [
        [
            "Opening session and discussion",
            "Paused",
            "25 May 2026, 18:00 UTC−4 25 May 2026, 22:00 UTC",
            "3 Women-led organization: 1 · Youth: 1 · Participant: 1 French: 2 · English: 1",
            "–",
        ]
    ]
    preview = editor.page(page.link("Preview and test"))
    assert preview.texts(".facts dd")[0] == "Tomorrow: Opening session and discussion"
    page = press(editor, preview, "test")
    assert told(page) == ["The mail server has taken the test mail; it goes to the address of your account."]
    assert smtp.last_to(EDITOR).subject == "[Test] Tomorrow: Opening session and discussion"
    page = press(editor, editor.page(f"{REMINDERS}reminder-1/"), "resume")
    assert rounds(page)[0][1] == "Planned Send now – Opening session and discussion"
    clock.move_to(FIRST_START - 16 * HOUR)
    smtp.clear()
    work(app)
    clock.advance(MINUTE)
    work(app)
    assert sorted(mail.recipients[0] for mail in smtp.mails if mail.subject.startswith("Tomorrow")) == sorted(PEOPLE)


def test_a_rule_is_edited_and_what_is_typed_stays_where_it_has_a_fault(app: Flask, editor: Client) -> None:
    page = save(editor, 422, minutes_before="soon", text_en="Dear {who}")
    assert page.error_of("minutes_before").endswith("Write a whole number, as 15.")
    assert page.form(FORM).values["text_en"] == "Dear {who}"
    page = save(editor, 422, minutes_before="2", unit="60", text_en="Dear {who}", subject_fr="Bonjour")
    assert page.error_of("text_en").endswith(f"There is no placeholder “{{who}}”; {KNOWN}")
    assert page.error_of("text_fr").endswith("There is a subject in this language; write the text too.")
    assert page.texts("details[open] summary") == ["French"]
    values = page.form(FORM).values
    assert [values[name] for name in ("minutes_before", "unit", "subject_fr")] == ["2", "60", "Bonjour"]
    assert stands(app)["when"].minutes_before == 1440

    page = save(editor, minutes_before="2", unit="60", text_en="Dear {name}", categories=["youth"], languages=["fr"])
    assert told(page) == ["Saved."]
    assert page.heading == "Reminder: 2 hours before the start"
    assert stands(app) == {
        "when": When(minutes_before=120),
        "categories": ("youth",),
        "sessions": (),
        "languages": ("fr",),
        "subject": {},
        "text": {"en": "Dear {name}"},
    }
    assert told(save(editor)) == ["Nothing was changed: it stands so already."]


@SQLITE
@pytest.mark.parametrize("path", [NEW, f"{DESK}announcements/new"])
def test_a_form_shows_how_mails_begin_in_each_language(editor: Client, path: str) -> None:
    begins = {str(one["lang"]): words(one) for one in editor.page(path).all(f"{FORM} p[lang]")}
    assert (begins["en"], begins["fr"]) == ("Dear {name},", "Bonjour {name},")


@SQLITE
def test_a_subject_takes_no_link_and_says_what_it_takes(editor: Client) -> None:
    page = save(editor, 422, path=NEW, way="minutes", minutes_before="1", subject_en="Open {own_page}", text_en="Soon")
    in_subjects = "{name}, {event}, {session}, {time}."
    assert page.error_of("subject_en") == (
        f"Placeholders: {in_subjects} There is no placeholder “{{own_page}}”; there are {in_subjects}"
    )


@SQLITE
@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({"minutes_before": "0"}, "minutes_before", "Choose a time from one minute to 30 days before the start."),
        ({"minutes_before": "31", "unit": "1440"}, "minutes_before", "Choose a time from one minute to 30 days"),
        ({"minutes_before": "9" * 9}, "minutes_before", "Write a whole number"),
        ({"minutes_before": "٣"}, "minutes_before", "Write a whole number"),
        ({"way": "clock", "clock_time": "18:00"}, "days_before", "Write a whole number: 0 for the same day"),
        ({"way": "clock", "days_before": "1"}, "clock_time", "Write the time of day as 18:00."),
        ({"way": "clock", "days_before": "1", "clock_time": "25:00"}, "clock_time", "Write the time of day as 18:00."),
        ({"way": "clock", "days_before": "99999", "clock_time": "18:00"}, "days_before", "Write how many days before"),
        ({"way": "clock", "days_before": "0", "clock_time": "18:00"}, "clock_time", "No session starts later on its"),
        ({"categories": ["nobody"]}, "categories", "This choice is not offered; choose from the list."),
        ({"languages": ["xx"]}, "languages", "This choice is not offered; choose from the list."),
        ({"text_en": "x" * 2001}, "text_en", "This is too long: shorten it to 2000 characters."),
        ({"text_en": "a\u202eb"}, "text_en", "There are hidden control characters in this"),
    ],
)
def test_a_fault_is_told_beside_its_field(editor: Client, typed: dict[str, Any], field: str, sentence: str) -> None:
    page = save(editor, 422, path=NEW, **{"way": "minutes", "minutes_before": "1", **typed})
    assert sentence in page.error_of(field)


def test_of_two_organizers_at_once_the_second_sees_what_stands_now(app: Flask, editor: Client) -> None:
    late = editor.page(RULE).form(FORM)
    save(at_desk(app, Role.OWNER), minutes_before="3", unit="60", text_en="Theirs")
    page = editor.submit(late, 422, minutes_before="5", unit="60", text_en="Mine")
    assert "Somebody has changed this reminder in the meantime" in page.one(".summary").get_text()
    assert [page.form(FORM).values[name] for name in ("minutes_before", "text_en")] == ["5", "Mine"]
    assert page.texts(".help[id$=before-help], .help[id$=text_en-help]")[:1] == ["Now: 3"]
    assert "Now: Theirs" in page.texts(".help")
    editor.submit(page.form(FORM))
    assert (stands(app)["when"].minutes_before, stands(app)["text"]) == (300, {"en": "Mine"})


def test_a_reminder_is_sent_now_after_a_question_that_says_to_how_many_and_never_again(
    app: Flask, editor: Client, smtp: MailServer, clock: FakeClock
) -> None:
    people(app)
    page = editor.page(editor.page(RULE).link("Send now – Opening session and discussion"))
    assert page.texts("main strong") == ["3 people get this reminder now."]
    assert page.texts("main p.quiet") == [
        "Women-led organization: 1 · Youth: 1 · Participant: 1",
        "French: 2 · English: 1",
    ]
    page = editor.submit(page.form())
    assert told(page) == ["3 mails are on their way."]
    assert work(app) == 3
    smtp.clear()
    for moment in (DUE, DUE + MINUTE):
        clock.move_to(moment)
        work(app)
    assert smtp.mails == []
    editor = at_desk(app, Role.EDITOR)
    assert "nobody gets it twice" in editor.page(SEND).text


def test_a_new_time_says_who_has_had_the_reminder_and_reminds_the_others(
    app: Flask, editor: Client, smtp: MailServer, clock: FakeClock
) -> None:
    people(app)
    editor.submit(editor.page(SEND).form())
    work(app)
    form = editor.page(SEND)
    assert form.all("form[action$='send/']") == []
    with app.app_context():
        add_person("Dara", "youth", sessions=SESSIONS, address="dara@example.org")
    assert editor.page(SEND).texts("main strong") == ["1 person gets this reminder now."]
    page = save(editor, minutes_before="2", unit="60")
    assert told(page) == [
        "Saved.",
        "3 people have had this reminder already and do not get it again at the new time; to remind them once more,"
        " add a new reminder.",
    ]
    assert rounds(page)[0][1:] == [
        "Planned Send now – Opening session and discussion",
        "26 May 2026, 08:00 UTC−4 26 May 2026, 12:00 UTC",
        "4 Youth: 2 · Women-led organization: 1 · Participant: 1 French: 2 · English: 2",
        "sent: 3",
    ]
    smtp.clear()
    clock.move_to(FIRST_START - 2 * HOUR)
    work(app)
    assert [mail.recipients for mail in smtp.mails] == [("dara@example.org",)]


@SQLITE
def test_a_pause_and_a_delete_hold_at_once(app: Flask, smtp: MailServer, clock: FakeClock) -> None:
    people(app)
    clock.move_to(DUE)
    editor = at_desk(app, Role.EDITOR)
    with app.app_context():
        sweeping.sweep()
    page = press(editor, editor.page(RULE), "pause")
    assert rounds(page)[0][1] == "Paused"
    assert work(app) == 0
    page = press(editor, page, "resume")
    assert work(app) == 3
    page = editor.page(RULE)
    assert page.all('form[action$="delete"]') == []
    assert "it can be paused and not deleted" in page.text
    assert told(_posted(editor, RULE, "delete")) == [
        "Mails have been sent by this reminder, so it cannot be deleted; pause it instead."
    ]
    page = press(editor, editor.page(f"{REMINDERS}quarter-hour/"), "delete")
    assert page.texts("h2") == ["1 day before the start"]


@SQLITE
def test_a_preview_shows_an_invented_participant_in_any_language_and_opens_nothing(
    app: Flask, editor: Client, client: Client
) -> None:
    change(app, ReminderRule, "day-before", text={"en": "Soon: {own_page}", "ar": "قريباً"})
    page = editor.submit(
        editor.page(PREVIEW).form(".filters"), session="civil-society", language="ar", zone="Asia/Amman"
    )
    assert (page.one("pre")["dir"], page.one("pre")["lang"]) == ("rtl", "ar")
    assert "16:00" in page.one("pre").get_text()
    frame = page.one("iframe")
    assert frame["sandbox"] == ["allow-popups", "allow-popups-to-escape-sandbox"]
    body = body_of(editor, str(frame["src"]))
    assert 'dir="rtl">قريباً' in body.get_data(as_text=True)
    policy = body.headers["Content-Security-Policy"]
    assert ("default-src 'none'" in policy, "sandbox" in policy, body.headers["X-Frame-Options"]) == (
        True,
        True,
        "SAMEORIGIN",
    )
    assert "frame-src 'self'" in page.response.headers["Content-Security-Policy"]
    english = editor.page(PREVIEW).one("pre").get_text()
    link = next(word for word in english.split() if "/my/" in word)
    assert client.get(link.removeprefix("https://events.example.org")).status_code == 404


@SQLITE
def test_a_preview_shows_what_a_real_participant_gets_but_no_key_of_theirs(app: Flask, editor: Client) -> None:
    with app.app_context():
        amina = add_person("<b>Amina</b>", "youth", sessions=("human-rights",), language="fr")
        quiet = add_person("Quiet", "youth", sessions=SESSIONS, discreet=True)
        absent = add_person("Absent", "youth")
    page = editor.page(editor.page(f"{LIST}{amina}/").link("1 day before the start"))
    text = page.one("pre").get_text()
    assert "<b>Amina</b>," in text
    assert "mardi 26 mai 2026, 19:45" in text
    assert amina not in text
    assert page.all('form[action$="test"]') == []
    assert "<b>Amina" not in body_of(editor, str(page.one("iframe")["src"])).get_data(as_text=True)
    assert "Online meeting" in editor.page(f"{PREVIEW}?person={quiet}").texts(".facts dd")[0]
    assert "does not get it" in editor.parsed(editor.get(f"{PREVIEW}?person={absent}"), 409).text


def test_a_preview_for_nobody_is_not_there(editor: Client) -> None:
    for nobody in ("A" * 22, "%00", "x"):
        assert editor.get(f"{PREVIEW}?person={nobody}").status_code == 404


@SQLITE
def test_the_mail_of_somebody_protected_is_looked_at_by_those_alone_who_may_know(app: Flask, editor: Client) -> None:
    with app.app_context():
        chi = add_person("Chi", "victims-survivors", sessions=SESSIONS)
    for path in (f"{PREVIEW}?person={chi}", f"{PREVIEW}body.html?person={chi}"):
        desks = (editor, at_desk(app, Role.OWNER), unmask(at_desk(app, Role.OWNER)))
        assert [body_of(desk, path).status_code for desk in desks] == [409, 409, 200]
    assert "Reminders as this person" not in editor.page(f"{LIST}{chi}/").text
    assert "Reminders as this person" in unmask(at_desk(app, Role.OWNER)).page(f"{LIST}{chi}/").text


@SQLITE
def test_people_at_risk_are_counted_by_category_for_owners_alone_who_have_said_why(app: Flask, editor: Client) -> None:
    people(app)
    owner = at_desk(app, Role.OWNER)
    assert ["Victim or" in desk.page(RULE).text for desk in (editor, owner)] == [False, False]
    assert "Victim or survivor of terrorism: 1" in unmask(owner).page(RULE).text


@SQLITE
def test_how_many_a_reminder_for_one_category_at_risk_reaches_is_not_told(app: Flask, editor: Client) -> None:
    change(app, ReminderRule, "day-before", categories=["victims-survivors"])
    people(app)
    page = editor.page(editor.page(RULE).link("Send now – Opening session and discussion"))
    assert re.findall(r"\d+ (?:person|people)", page.text) == []
    assert told(editor.submit(page.form())) == ["The mails are on their way."]
    for path in (RULE, f"{DESK}reminders/"):
        assert set(editor.page(path).texts("td[data-label='People now']")[:2]) == {"–"}


@SQLITE
def test_an_editor_does_not_widen_unseen_whom_an_owner_reminds(app: Flask, editor: Client) -> None:
    change(app, ReminderRule, "day-before", categories=["youth", "victims-survivors"])
    page = editor.page(RULE)
    assert "Victim or" not in page.text
    form = page.form(FORM)
    assert form.values.getlist("categories") == ["youth", "participant"]
    editor.submit(form, minutes_before="2")
    with app.app_context():
        rule = db.session.scalars(select(ReminderRule).where(ReminderRule.slug == "day-before")).one()
        assert (rule.minutes_before, sorted(rule.categories)) == (2880, ["victims-survivors", "youth"])


@SQLITE
@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        ("450 4.2.0 Busy", "The mail server put the test mail off (450); try again in a few minutes."),
        ("550 5.1.1 Unknown", "The mail server refused the test mail for good (550); check the address of your"),
    ],
)
def test_a_test_mail_that_is_refused_is_told_in_plain_words(
    editor: Client, smtp: MailServer, reply: str, sentence: str
) -> None:
    smtp.replies[EDITOR] = reply
    page = press(editor, editor.page(PREVIEW), "test")
    assert told(page)[0].startswith(sentence)
    assert EDITOR not in page.one("main").get_text()


@SQLITE
def test_a_mail_server_that_is_away_is_told_in_plain_words(app: Flask, editor: Client, smtp: MailServer) -> None:
    app.extensions["mail"].port = free_port()
    try:
        page = press(editor, editor.page(PREVIEW), "test")
    finally:
        app.extensions["mail"].port = smtp.port
    assert told(page) == ["The mail server cannot be reached, or takes no mail from us; ask who runs this service."]


@SQLITE
def test_so_many_test_mails_and_no_more_may_somebody_send_in_an_hour(
    app: Flask, editor: Client, smtp: MailServer
) -> None:
    form = editor.page(PREVIEW).form('form[action$="test"]')
    assert [editor.send(form).status_code for _number in range(11)] == [303] * 10 + [429]
    another = at_desk(app, Role.OWNER)
    assert another.send(another.page(PREVIEW).form('form[action$="test"]')).status_code == 303
    assert len(smtp.mails) == 11


@SQLITE
def test_an_event_that_is_not_published_says_so_and_sends_nothing(app: Flask, editor: Client) -> None:
    change(app, Event, SLUG, state=EventState.DRAFT)
    page = editor.page(REMINDERS)
    assert "The event is not published: nobody is reminded of it." in page.texts(".notice")
    assert {row[1] for row in rounds(page)} == {"Not sent: the session or the event does not take place"}
    assert editor.get(SEND).status_code == 409


@SQLITE
@pytest.mark.parametrize("role", Role)
def test_each_role_sees_and_does_what_the_table_allows(app: Flask, role: Role) -> None:
    desk, may_edit = at_desk(app, role), role in ALLOWED[Action.EDIT_MAIL]
    assert bool(desk.page(REMINDERS).all("main .actions a")) == may_edit
    assert bool(desk.page(RULE).all("main form")) == may_edit
    shown = {body_of(desk, path).status_code for path in (NEW, PREVIEW, f"{PREVIEW}body.html", SEND)}
    assert shown == {200 if may_edit else 403}
    given = {"csrf_token": str(desk.page(DESK).one("header [name=csrf_token]")["value"])}
    posts = (NEW, RULE, f"{RULE}pause", f"{RULE}resume", f"{RULE}test", SEND, f"{REMINDERS}quarter-hour/delete")
    answers = [desk.post(path, data=given).status_code for path in posts]
    assert answers == ([422, 422, 303, 303, 303, 303, 303] if may_edit else [403] * 7)


@SQLITE
def test_nothing_is_done_without_the_token_of_a_page(app: Flask, editor: Client) -> None:
    for path in (NEW, RULE, f"{RULE}pause", f"{RULE}resume", f"{RULE}delete", f"{RULE}test", SEND):
        assert editor.post(path).status_code == 400
    assert stands(app)["when"].minutes_before == 1440


@SQLITE
def test_what_is_not_there_looks_so(editor: Client) -> None:
    for path in (f"{REMINDERS}none/", f"{REMINDERS}none/preview/", f"{RULE}sessions/none/send/"):
        assert editor.get(path).status_code == 404
    assert editor.page(f"{PREVIEW}?session=none&zone=Mars&language=xx", 422).all("iframe") == []
    assert editor.get(f"{PREVIEW}body.html?session=none").status_code == 404


def test_pages_ask_the_database_as_often_for_many_as_for_few(app: Flask, clock: FakeClock) -> None:
    people(app)
    clock.move_to(DUE)
    work(app)
    editor = at_desk(app, Role.EDITOR)
    editor.page(RULE)
    with counted_queries(app) as few:
        editor.page(REMINDERS)
        editor.page(RULE)
    with app.app_context():
        add_people(30, sessions=SESSIONS)
        for minutes in (30, 60, 90):
            with writing():
                reminder_edits.add(event_named(SLUG), RuleValues(When(minutes_before=minutes)), now=clock.now)
    work(app)
    editor.page(RULE)
    with counted_queries(app) as many:
        editor.page(REMINDERS)
        editor.page(RULE)
    assert len(many) == len(few)


@SQLITE
def test_pages_speak_the_language_that_is_asked_for(editor: Client) -> None:
    for path in (REMINDERS, NEW, RULE, PREVIEW, SEND):
        html = editor.page(f"{path}?lang=ar").one("html")
        assert (path, html["lang"], html["dir"]) == (path, "ar", "rtl")


def _posted(desk: Client, path: str, action: str) -> Page:
    """What comes of a form that the page does not show any more."""
    given = str(desk.page(DESK).one("header [name=csrf_token]")["value"])
    answer = desk.post(f"{path}{action}", data={"csrf_token": given}, follow_redirects=True)
    return desk.parsed(answer)
