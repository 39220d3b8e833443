"""Sessions at the desk: an edit, its review, the mails it brings, and who still holds something old."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from registration.domain import holdings
from registration.domain.access import ALLOWED, Action
from registration.domain.programme import event_named, session_called
from registration.extensions import db, writing
from registration.models import Delivery, Event, EventSession
from registration.models.delivery import DeliveryKind, DeliveryState
from registration.models.event import EventState
from registration.models.organizer import Role
from registration.models.programme import Audience
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import (
    AMINA,
    EVENT,
    FIRST_START,
    LAST_END,
    MINUTE,
    SLUG,
    change,
    load_dialogue,
    move_session,
    owed,
    take_part,
    take_part_by_rule,
    work,
)
from tests.support.organizers import DESK, at_desk
from tests.support.pages import Form, Page, words
from tests.support.smtp import MailServer
from tests.web.test_organizer_attendees import counted_queries

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SESSIONS = f"{DESK}sessions/"
FIRST = f"{SESSIONS}human-rights/"
EDIT = "form.session-form"
REVIEWED = "main form:has([name=tell])"
TELL_NOW = "form[action$=tell-now]"
SEND_AGAIN = "form[action$=send-again]"
HOUR = 60 * MINUTE
WINDOW = 10 * MINUTE
MOVED = {"starts": "2026-05-26T11:00", "ends": "2026-05-26T14:15"}
BY_INVITATION = "By calendar invitation. Languages:"
OLD = "Tuesday, 26 May 2026, 10:00 – 13:15 (New York, UTC−4)"
NEW = "Tuesday, 26 May 2026, 11:00 – 14:15 (New York, UTC−4)"


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app, invitations=True)


@pytest.fixture
def editor(app: Flask) -> Client:
    return at_desk(app, Role.EDITOR)


@pytest.fixture
def amina(app: Flask, client: Client, smtp: MailServer) -> Client:
    """Amina's browser; she takes part in both sessions, and her mails have arrived."""
    take_part(client, smtp)
    smtp.clear()
    return client


def review(desk: Client, status: int = 200, **values: Any) -> Page:
    """Type into the form of the first session and ask what would follow."""
    return desk.submit(desk.page(FIRST).form(EDIT), status, **values)


def save(desk: Client, page: Page, tell: str = "later") -> Page:
    """Press a button of the review."""
    form = page.form(REVIEWED)
    form.values["tell"] = tell
    return desk.submit(form)


def go_back(desk: Client, page: Page) -> Page:
    """Press the button that leads from the review to the form."""
    form, button = page.form(REVIEWED), page.one("[name=back]")
    form.values["back"] = str(button["value"])
    form.action = str(button["formaction"])
    return desk.submit(form)


def edit(desk: Client, tell: str = "later", **values: Any) -> Page:
    return save(desk, review(desk, **values), tell)


def fact(page: Page, term: str) -> int:
    facts = dict(zip(page.texts(".facts dt"), page.texts(".facts dd"), strict=True))
    return int(facts[term])


def told(page: Page) -> list[str]:
    """Who is told what, and when, as the page says it."""
    return [*page.texts("#told ~ ul li"), *page.texts("#told ~ p")]


def line(page: Page, title: str = "Opening session and discussion") -> list[str]:
    """The cells of a session in the list."""
    found = [row for row in page.all("tbody tr") if row.th and words(row.th) == title]
    assert len(found) == 1
    return [words(cell) for cell in found[0].select("td")]


def sent(smtp: MailServer) -> list[tuple[str, str]]:
    """(recipient, subject) of all mails, and none of them twice."""
    return [(mail.recipients[0], mail.subject.partition(":")[0]) for mail in smtp.mails]


def token(desk: Client) -> str:
    return str(desk.page(DESK).one("header [name=csrf_token]")["value"])


def test_an_edit_is_reviewed_saved_told_and_then_everybody_is_up_to_date(
    app: Flask, amina: Client, editor: Client, smtp: MailServer, clock: FakeClock
) -> None:
    page = review(editor, **MOVED)
    assert page.texts("tbody th") == ["Time"]
    assert [OLD in page.texts("td")[0], NEW in page.texts("td")[1]] == [True, True]
    assert "15:00 – 18:15 (UTC)" in page.texts("td")[1]
    assert told(page) == [
        "1 person is told: the new time. By calendar invitation. Languages: English (1).",
        "1 person is told at 10:10 (New York, UTC−5). What is changed until then is told with it.",
    ]
    assert page.texts("main button") == [
        "Save and tell them at 10:10 (New York, UTC−5)",
        "Save and tell them now",
        "Back to the form",
    ]
    assert work(app) == 0

    page = save(editor, page)
    assert page.texts(".notice[role]") == ["Saved. 1 person is told at 10:10 (New York, UTC−5)."]
    assert (fact(page, "Up to date"), fact(page, "Mail waiting")) == (0, 0)
    assert fact(page, "Still to be told") == 1
    assert page.texts("tr:has([data-label=People]) > *") == [OLD, "the new time", "1"]
    assert page.texts("tbody td[data-label=Mail]") == ["Will be told at 10:10 (New York, UTC−5)."]
    assert page.all(SEND_AGAIN) == []
    assert work(app) == 0

    clock.advance(WINDOW)
    assert editor.page(FIRST).texts("tbody td[data-label=Mail]") == ["Waits to be sent."]
    assert work(app) == 1
    assert sent(smtp) == [(AMINA, "New time")]
    assert "11:00 – 14:15 (New York, UTC−4)" in smtp.last_to(AMINA).text
    page = editor.page(FIRST)
    assert (fact(page, "Take part"), fact(page, "Up to date")) == (1, 1)
    assert "Nobody holds anything else than what stands." in page.text
    assert (page.all(SEND_AGAIN), page.all(TELL_NOW), page.all("tbody")) == ([], [], [])


def test_a_mail_that_failed_is_shown_and_sent_again(
    app: Flask, amina: Client, editor: Client, smtp: MailServer
) -> None:
    smtp.replies[AMINA] = "550 5.6.0 Refused"
    edit(editor, "now", **MOVED)
    assert work(app) == 1
    page = editor.page(FIRST)
    assert [fact(page, name) for name in ("Up to date", "Mail waiting", "Mail failed")] == [0, 0, 1]
    assert page.texts("tr:has([data-label=Mail]) > *") == [
        "Amina",
        OLD,
        "Refused for good (550): look whether the address is right.",
    ]
    assert "Amina" in editor.page(page.link("Amina")).heading
    assert line(editor.page(SESSIONS))[2:] == ["1", "1", "–"]

    smtp.replies.clear()
    page = editor.submit(page.form(SEND_AGAIN))
    assert page.texts(".notice[role]") == ["1 mail is sent again."]
    assert fact(page, "Mail waiting") == 1
    assert page.texts("td[data-label=Mail]") == ["Waits to be sent."]
    assert work(app) == 1
    assert sent(smtp) == [(AMINA, "New time")]
    assert fact(editor.page(FIRST), "Up to date") == 1


def test_a_mail_that_was_put_off_is_tried_at_once_and_not_doubled(
    app: Flask, amina: Client, editor: Client, smtp: MailServer
) -> None:
    smtp.replies[AMINA] = "451 4.3.0 Later"
    edit(editor, "now", **MOVED)
    assert work(app) == 1
    page = editor.page(FIRST)
    assert page.texts("td[data-label=Mail]") == ["Put off by their mail server (451): it is tried again by itself."]
    smtp.replies.clear()
    assert work(app) == 0
    for _press in range(2):
        editor.submit(page.form(SEND_AGAIN))
    assert work(app) == 1
    assert sent(smtp) == [(AMINA, "New time")]


def test_telling_now_does_not_wait(app: Flask, amina: Client, editor: Client, smtp: MailServer) -> None:
    page = edit(editor, **MOVED)
    assert work(app) == 0
    page = editor.submit(page.form(TELL_NOW))
    assert page.texts(".notice[role]") == ["1 person is told now."]
    assert work(app) == 1
    assert sent(smtp) == [(AMINA, "New time")]
    page = editor.submit(_posted(editor, "tell-now"))
    assert page.texts(".notice[role]") == ["Nothing is left to tell."]
    assert work(app) == 0


def _posted(desk: Client, path: str) -> Form:
    """A form as an old page would still have it."""
    page = desk.page(FIRST)
    form = Form(page, page.one("header form"))
    form.action = f"{page.url}{path}"
    return form


@SQLITE
def test_a_late_press_of_send_again_sends_nothing(app: Flask, amina: Client, editor: Client) -> None:
    page = editor.submit(_posted(editor, "send-again"))
    assert page.texts(".notice[role]") == ["Nothing is left to tell."]
    assert work(app) == 0


def test_edits_that_undo_each_other_are_told_to_nobody(
    app: Flask, amina: Client, editor: Client, smtp: MailServer, clock: FakeClock
) -> None:
    edit(editor, **MOVED)
    clock.advance(5 * MINUTE)
    page = review(editor, starts="2026-05-26T10:00", ends="2026-05-26T13:15")
    assert told(page) == ["Nobody has to be told."]
    assert page.texts("main button") == ["Save", "Back to the form"]
    page = save(editor, page)
    assert page.texts(".notice[role]") == ["Saved. Nobody has to be told."]
    assert fact(page, "Up to date") == 1
    clock.advance(WINDOW)
    assert work(app) == 0
    assert smtp.mails == []


def test_edits_within_the_window_are_one_mail(
    app: Flask, amina: Client, editor: Client, smtp: MailServer, clock: FakeClock
) -> None:
    edit(editor, **MOVED)
    clock.advance(9 * MINUTE)
    page = review(editor, title_en="Opening")
    assert (
        told(page)[0]
        == "1 person is told: the new time and the new title. By calendar invitation. Languages: English (1)."
    )
    assert told(page)[1].startswith("1 person is told at 10:10 (New York, UTC−5).")
    save(editor, page)
    clock.advance(MINUTE)
    assert work(app) == 1
    mail = smtp.last_to(AMINA)
    assert ["11:00 – 14:15" in mail.text, "The title now is: Opening" in mail.text] == [True, True]


@SQLITE
def test_within_two_hours_of_the_start_they_are_told_at_once(
    app: Flask, amina: Client, editor: Client, smtp: MailServer, clock: FakeClock
) -> None:
    clock.move_to(FIRST_START - HOUR)
    editor = at_desk(app, Role.OWNER)
    work(app)
    smtp.clear()
    page = review(editor, **MOVED)
    assert told(page)[1] == "1 person is told now."
    assert page.texts("main button") == ["Save and tell them now", "Back to the form"]
    assert save(editor, page).texts(".notice[role]") == ["Saved. 1 person is told now."]
    work(app)
    assert (AMINA, "New time") in sent(smtp)


@SQLITE
def test_the_review_counts_discreet_people_and_languages(app: Flask, editor: Client) -> None:
    with app.app_context():
        for name, values in (
            ("amina", {}),
            ("bo", {"language": "fr"}),
            ("chi", {"language": "fr", "discreet": True}),
            ("dan", {"language": "ar", "discreet": True}),
        ):
            take_part_by_rule(f"{name}@example.org", now=FIRST_START - 30 * 24 * HOUR, **values)
    page = review(editor, **MOVED, title_fr="Ouverture")
    languages = "Arabic (1), English (1) and French (1)"
    assert told(page)[:2] == [
        f"3 people are told: the new time. {BY_INVITATION} {languages}. 2 of them discreetly.",
        f"1 person is told: the new time and the new title. {BY_INVITATION} French (1).",
    ]
    assert told(page)[2].startswith("4 people are told at 10:10 (New York, UTC−5).")
    assert page.texts("tbody th") == ["Time", "Title: French"]


@SQLITE
def test_where_there_are_no_invitations_the_review_says_how_they_are_told(app: Flask, editor: Client) -> None:
    change(app, Event, SLUG, invitations=False)
    with app.app_context():
        take_part_by_rule(AMINA, now=FIRST_START - 30 * 24 * HOUR)
    assert told(review(editor, **MOVED))[0] == (
        "1 person is told: the new time. By mail with a calendar file. Languages: English (1)."
    )


@SQLITE
def test_an_edit_nobody_sees_tells_nobody(app: Flask, amina: Client, editor: Client) -> None:
    page = review(editor, title_ru="Дискуссия")
    assert (page.texts("tbody th"), told(page)) == (["Title: Russian"], ["Nobody has to be told."])


@SQLITE
def test_a_review_without_a_change_offers_the_way_back_alone(app: Flask, amina: Client, editor: Client) -> None:
    page = review(editor)
    assert "Nothing: it stands so already." in page.text
    assert page.texts("main button") == ["Back to the form"]


@SQLITE
@pytest.mark.parametrize(
    ("values", "warnings"),
    [
        ({"starts": "2026-03-02T09:59", "ends": "2026-03-02T12:00"}, 1),
        ({"starts": "2026-03-02T10:01", "ends": "2026-03-02T12:00"}, 0),
    ],
)
def test_the_review_warns_of_a_start_in_the_past(editor: Client, values: dict[str, str], warnings: int) -> None:
    sentence = "The new start lies in the past: look whether the date is right."
    assert review(editor, **values).texts("main .notice") == [sentence] * warnings


@SQLITE
def test_a_start_that_stays_is_not_warned_of(editor: Client, app: Flask, clock: FakeClock) -> None:
    clock.move_to(FIRST_START + HOUR)
    assert review(at_desk(app, Role.OWNER), ends="2026-05-26T14:15").texts("main .notice") == []


@SQLITE
def test_no_session_of_a_cancelled_event_takes_place(app: Flask, editor: Client) -> None:
    assert (editor.page(SESSIONS).all(".notice"), editor.page(FIRST).texts(".state")) == ([], ["Takes place"])
    change(app, Event, SLUG, state=EventState.CANCELLED)
    page = editor.page(SESSIONS)
    assert (line(page)[1], page.texts("main .notice")) == ("Cancelled", ["This event is cancelled."])
    assert editor.page(FIRST).texts(".state.cancelled") == ["Cancelled – This event is cancelled."]


def test_a_review_changes_nothing(app: Flask, amina: Client, editor: Client, clock: FakeClock) -> None:
    before = editor.page(FIRST).text
    public = amina.get(f"{EVENT}sessions/human-rights/").headers["ETag"]
    review(editor, **MOVED, state="cancelled")
    assert editor.page(FIRST).text == before
    assert amina.get(f"{EVENT}sessions/human-rights/").headers["ETag"] == public
    clock.advance(WINDOW)
    assert work(app) == 0


def test_public_pages_follow_at_once(app: Flask, client: Client, editor: Client) -> None:
    assert "10:00" in client.page(f"{EVENT}sessions/human-rights/").text
    edit(editor, **MOVED)
    page = client.page(f"{EVENT}sessions/human-rights/")
    assert ["10:00" in page.text, "11:00" in page.text] == [False, True]


@SQLITE
def test_the_way_back_keeps_what_was_typed(editor: Client) -> None:
    page = go_back(editor, review(editor, **MOVED, title_en="Opening", state="cancelled"))
    form = page.form(EDIT)
    assert {name: form.values[name] for name in ("starts", "ends", "title_en", "state", "revision")} == {
        **MOVED,
        "title_en": "Opening",
        "state": "cancelled",
        "revision": "0",
    }
    assert save(editor, editor.submit(form)).texts(".notice[role]") == ["Saved. Nobody has to be told."]


@SQLITE
@pytest.mark.parametrize(
    ("values", "field", "sentence"),
    [
        (
            {"starts": "2027-03-14T02:30", "ends": "2027-03-14T05:00"},
            "starts",
            "2027-03-14 02:30 does not exist in America/New_York, where the clocks go forward then; choose 2027-03-14 "
            "01:59 or earlier, or 2027-03-14 03:00 or later.",
        ),
        (
            {"starts": "2026-11-01T00:30", "ends": "2026-11-01T01:30"},
            "ends",
            "2026-11-01 01:30 exists twice in America/New_York, where the clocks go back then; choose 2026-11-01 00:59 "
            "or earlier, or 2026-11-01 02:00 or later.",
        ),
        ({"ends": "2026-05-26T10:00"}, "ends", "This must be later than the start."),
        ({"ends": "2033-05-26T13:15"}, "ends", "This must be at most 24 hours after the start."),
        ({"starts": ""}, "starts", "Choose when it starts."),
        ({"starts": "2026-02-30T10:00"}, "starts", "There is no such time; write it as 2021-05-25 10:00."),
        (
            {"starts": "2038-01-19T03:14"},
            "starts",
            "Clock changes are known for the years 2000 to 2037; choose one of them.",
        ),
        ({"title_en": " \u200b "}, "title_en", "Write a title in the event's default language."),
        ({"title_fr": "x" * 301}, "title_fr", "This is too long: shorten it to 300 characters."),
        (
            {"title_ar": "\u202eOpening"},
            "title_ar",
            "There are hidden control characters in this; type it again without them.",
        ),
        (
            {"url_live-floor": "javascript:alert(1)"},
            "url_live-floor",
            "This is no address of the web; write it as https://webtv.un.org/.",
        ),
        ({"url_live-floor": ""}, "url_live-floor", "Write the address of this stream."),
    ],
)
def test_a_fault_stands_beside_its_field_and_what_was_typed_stays(
    editor: Client, values: dict[str, str], field: str, sentence: str
) -> None:
    page = review(editor, 422, **values)
    assert page.error_of(field) == sentence
    typed = {name: value if name != "title_en" else "\u200b" for name, value in values.items()}
    form = page.form(EDIT)
    assert {name: form.values[name] for name in values} == typed


@SQLITE
@pytest.mark.parametrize("typed", ["2026-05-26 11:00", "2026-05-26T11:00", " 2026-05-26  11:00 "])
def test_a_browser_without_a_calendar_may_send_the_time_as_it_is_written(editor: Client, typed: str) -> None:
    page = review(editor, starts=typed)
    assert page.form(REVIEWED).values["starts"] == "2026-05-26T11:00"


@SQLITE
def test_a_choice_that_is_not_offered_is_refused(editor: Client) -> None:
    assert "This choice is not offered; choose from the list." in review(editor, 422, state="postponed").text


@SQLITE
@pytest.mark.parametrize("tell", [None, "", "tomorrow"])
def test_a_button_that_there_is_not_saves_nothing(app: Flask, editor: Client, tell: str | None) -> None:
    form = review(editor, **MOVED).form(REVIEWED)
    if tell is not None:
        form.values["tell"] = tell
    editor.submit(form, 400)
    assert "10:00" in editor.page(FIRST).text


def test_of_two_organizers_the_second_is_told_what_stands_now(app: Flask, editor: Client) -> None:
    other = at_desk(app, Role.OWNER)
    mine, theirs = review(editor, **MOVED), review(other, title_en="Opening")
    save(editor, mine)
    form = theirs.form(REVIEWED)
    form.values["tell"] = "later"
    page = other.submit(form, 422)
    assert page.texts(".summary li") == [
        "Somebody has changed this session in the meantime; compare with what stands now, and send it again."
    ]
    shown = page.form(EDIT).values
    assert (shown["title_en"], shown["starts"]) == ("Opening", "2026-05-26T10:00")
    assert page.texts(".session-form .help") == [
        "Now: 2026-05-26 11:00",
        "Now: 2026-05-26 14:15",
        "Now: Opening session and discussion",
    ]
    page = other.submit(page.form(EDIT), **MOVED)
    assert page.texts("tbody th") == ["Title: English"]
    save(other, page)
    with app.app_context():
        session = session_called(event_named(SLUG), "human-rights")
        assert (session.title["en"], session.starts_at, session.revision) == ("Opening", FIRST_START + HOUR, 2)


@SQLITE
@pytest.mark.parametrize("revision", ["", "-1", "x", "٣", "9" * 40])
def test_a_revision_that_never_was_is_somebody_elses(editor: Client, revision: str) -> None:
    form = editor.page(FIRST).form(EDIT)
    assert "Somebody has changed this session" in editor.submit(form, 422, **MOVED, revision=revision).text


@SQLITE
def test_saving_twice_saves_once(app: Flask, amina: Client, editor: Client) -> None:
    page = review(editor, **MOVED)
    save(editor, page)
    assert save(editor, page).texts(".notice[role]") == ["Nothing was changed: it stands so already."]
    with app.app_context():
        assert session_called(event_named(SLUG), "human-rights").revision == 1


def test_cancelling_and_restoring_are_told(
    app: Flask, amina: Client, editor: Client, smtp: MailServer, clock: FakeClock
) -> None:
    page = review(editor, state="cancelled")
    assert page.texts("tbody tr") == ["State Takes place Cancelled"]
    assert told(page)[0] == "1 person is told: that it is cancelled. Languages: English (1)."
    save(editor, page, "now")
    assert work(app) == 1
    page = review(editor, state="scheduled", **MOVED)
    assert told(page)[0].startswith("1 person is told: that it takes place after all and the new time. By calendar")
    save(editor, page, "now")
    assert work(app) == 1
    assert [mail["SUMMARY"] is not None for mail in _events(smtp)] == [True, True]
    assert [str(event["STATUS"]) for event in _events(smtp)] == ["CANCELLED", "CONFIRMED"]


def _events(smtp: MailServer) -> list[Any]:
    return [calendar.walk("VEVENT")[0] for calendar in smtp.invitations_to(AMINA)]


@SQLITE
def test_the_list_says_what_is_left_to_tell(app: Flask, amina: Client, editor: Client, clock: FakeClock) -> None:
    assert line(editor.page(SESSIONS)) == [OLD, "Takes place", "1", "0", "–"]
    edit(editor, **MOVED)
    assert line(editor.page(SESSIONS)) == [
        NEW,
        "Takes place",
        "1",
        "1",
        f"1 person is told: the new time. {BY_INVITATION} English (1). 1 person is told at 10:10 (New York, UTC−5).",
    ]
    clock.advance(WINDOW)
    assert line(editor.page(SESSIONS))[4].endswith("1 person is told now.")
    work(app)
    assert line(editor.page(SESSIONS))[3:] == ["0", "–"]


@SQLITE
def test_what_is_over_or_not_published_is_not_sent_again(
    app: Flask, amina: Client, editor: Client, clock: FakeClock
) -> None:
    edit(editor, **MOVED)
    change(app, Event, SLUG, state=EventState.ARCHIVED)
    page = editor.page(FIRST)
    assert "Nothing more is mailed about this session" in page.text
    assert (page.all(SEND_AGAIN), page.all(TELL_NOW)) == ([], [])
    assert editor.submit(_posted(editor, "send-again")).texts(".notice[role]") == ["Nothing is left to tell."]
    with app.app_context():
        assert owed(DeliveryKind.INVITATION) == [(DeliveryKind.INVITATION, DeliveryState.SENT)] * 2
    change(app, Event, SLUG, state=EventState.PUBLISHED)
    clock.move_to(LAST_END)
    assert at_desk(app, Role.OWNER).page(FIRST).all(SEND_AGAIN) == []


@SQLITE
def test_those_behind_are_listed_a_hundred_on_a_page(
    app: Flask, editor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert holdings.PAGE_ROWS == 100
    monkeypatch.setattr(holdings, "PAGE_ROWS", 2)
    with app.app_context():
        for number in range(5):
            take_part_by_rule(f"person{number}@example.org", now=FIRST_START - 30 * 24 * HOUR)
    move_session(app, "human-rights", HOUR)
    page = editor.page(f"{FIRST}?page=2")
    assert page.texts("th.typed") == ["person2", "person3"]
    assert page.texts("nav[aria-label=Pages] span") == ["Page 2 of 3"]
    assert editor.page(page.link("Next")).texts("th.typed") == ["person4"]
    assert editor.page(page.link("Previous")).texts("th.typed") == ["person0", "person1"]
    assert editor.page(f"{FIRST}?page=x").texts("th.typed") == ["person0", "person1"]


@SQLITE
@pytest.mark.parametrize("role", Role)
def test_each_role_sees_and_does_what_the_table_allows(app: Flask, amina: Client, role: Role) -> None:
    move_session(app, "human-rights", HOUR)
    desk = at_desk(app, role)
    may_edit, may_name = role in ALLOWED[Action.EDIT_SESSIONS], role in ALLOWED[Action.SEE_LIST]
    assert line(desk.page(SESSIONS))[2:4] == (["1", "1"] if may_name else [])
    page = desk.page(FIRST)
    assert bool(page.all("#held")) == may_name
    assert page.texts("th.typed") == (["Amina"] if may_name else [])
    assert [bool(page.all(one)) for one in (EDIT, TELL_NOW)] == [may_edit, may_edit]
    given = token(desk)
    statuses = {
        path: desk.post(f"{FIRST}{path}", data={"csrf_token": given, "tell": "now"}).status_code
        for path in ("review", "", "tell-now", "send-again")
    }
    good = {"review": 422, "": 422, "tell-now": 303, "send-again": 303}
    assert statuses == (good if may_edit else dict.fromkeys(good, 403))


@SQLITE
@pytest.mark.parametrize("path", ["review", "", "tell-now", "send-again"])
def test_nothing_is_done_without_the_token_of_a_page(app: Flask, editor: Client, path: str) -> None:
    assert editor.post(f"{FIRST}{path}", data={"tell": "now"}).status_code == 400


@SQLITE
def test_who_may_only_look_reads_no_address_of_a_room(app: Flask) -> None:
    room = "https://meet.example.org/secret-room"
    with app.app_context(), writing():
        stream = session_called(event_named(SLUG), "human-rights").streams[0]
        stream.url, stream.audience = room, Audience.CONFIRMED
    change(app, Event, SLUG)
    for role in Role:
        shows = room in at_desk(app, role).get(FIRST).get_data(as_text=True)
        assert (role, shows) == (role, role in ALLOWED[Action.EDIT_SESSIONS])


@SQLITE
@pytest.mark.parametrize("path", [SESSIONS, FIRST])
def test_another_event_or_session_looks_as_if_it_were_not_there(app: Flask, editor: Client, path: str) -> None:
    assert editor.get(path.replace(SLUG, "no-such")).status_code == 404
    assert editor.get(f"{SESSIONS}no-such/").status_code == 404


def test_pages_ask_the_database_as_often_for_many_as_for_few(app: Flask, editor: Client) -> None:
    now = FIRST_START - 30 * 24 * HOUR
    with app.app_context():
        take_part_by_rule(AMINA, now=now)
    move_session(app, "human-rights", HOUR)
    editor.page(FIRST)
    with counted_queries(app) as few:
        editor.page(SESSIONS)
        editor.page(FIRST)
    with app.app_context():
        for number in range(30):
            take_part_by_rule(f"person{number}@example.org", language="en" if number % 2 else "fr", now=now)
    move_session(app, "human-rights", HOUR)
    editor.page(FIRST)
    with counted_queries(app) as many:
        editor.page(SESSIONS)
        editor.page(FIRST)
    assert len(many) == len(few)


@SQLITE
def test_no_cookie_names_who_is_behind(app: Flask, amina: Client, editor: Client) -> None:
    edit(editor, "now", **MOVED)
    with editor.session_transaction(base_url=editor.public_url) as session:
        assert re.search("Amina|amina", str(dict(session))) is None


@SQLITE
def test_pages_speak_the_language_that_is_asked_for(app: Flask, amina: Client, editor: Client) -> None:
    edit(editor, **MOVED)
    page = editor.page(f"{FIRST}?lang=ar")
    assert page.heading == "الجلسة الافتتاحية والمناقشة"
    assert editor.page(f"{SESSIONS}?lang=ar").one("html")["dir"] == "rtl"


@SQLITE
def test_deliveries_that_were_dropped_count_as_no_mail(app: Flask, amina: Client, editor: Client) -> None:
    edit(editor, "now", **MOVED)
    with app.app_context(), writing():
        session_id = db.session.scalars(select(EventSession.id).where(EventSession.slug == "human-rights")).one()
        session = db.session.get_one(EventSession, session_id)
        session.notice_at = None
        db.session.execute(
            update(Delivery).where(Delivery.session_id == session_id).values(state=DeliveryState.DROPPED)
        )
    page = editor.page(FIRST)
    assert fact(page, "Not up to date, no mail waiting") == 1
    assert page.texts("td[data-label=Mail]") == ["No mail is waiting for them."]
    editor.submit(page.form(SEND_AGAIN))
    assert fact(editor.page(FIRST), "Mail waiting") == 1
