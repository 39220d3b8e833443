"""Announcements at the desk: drafts and their faults, who sees what, previews and tests, and what stays as it is."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select, update
from werkzeug.test import Client as PlainClient

from registration.domain.link_keys import LinkKind, key_for
from registration.domain.programme import event_named
from registration.extensions import db, writing
from registration.models import Announcement, Category, Event, EventSession
from registration.models.organizer import Role
from tests.support.announcements import (
    ALL,
    FORM,
    SECOND,
    WORDS,
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
from tests.support.dialogue import SLUG, change, load_dialogue, registrations
from tests.support.organizers import LIST, at_desk, unmask
from tests.support.pages import Page
from tests.support.smtp import MailServer
from tests.web.test_organizer_attendees import counted_queries

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
AMINA = "amina@example.org"
NOT_THERE = "No longer there: selects nobody"


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app)


@pytest.fixture
def desk(app: Flask) -> Client:
    """An owner's browser."""
    return at_desk(app, Role.OWNER)


def ticked(page: Page, name: str) -> list[str]:
    """The labels of the ticked boxes of a group."""
    return [page.one(f"label[for='{one['id']}']").get_text() for one in page.all(f"[name={name}][checked]")]


def categories_kept(app: Flask) -> list[list[str]]:
    with app.app_context():
        return list(db.session.execute(select(Announcement.categories).order_by(Announcement.id)).scalars())


@SQLITE
@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({"subject_en": ""}, "subject_en", "Write a subject in the event's default language."),
        ({"text_en": " "}, "text_en", "Write the message in the event's default language."),
        ({"subject_fr": "Les portes"}, "text_fr", "Write the message in this language too."),
        ({"text_en": "门" * 3001}, "text_en", "This message is too long for a mail; make it shorter."),
        ({"text_fr": "Les portes"}, "subject_fr", "Write a subject in this language too."),
        ({"states": []}, "states", "Choose at least one state."),
        (
            {"text_en": "Dear {nmae}"},
            "text_en",
            "There is no placeholder “{nmae}”; there are {name}, {event}, {event_page}, {own_page}.",
        ),
        (
            {"subject_en": "Open {own_page}"},
            "subject_en",
            "There is no placeholder “{own_page}”; there are {name}, {event}.",
        ),
        (
            {"text_en": "{event.__class__}"},
            "text_en",
            "There is no placeholder “{event.__class__}”; there are {name}, {event}, {event_page}, {own_page}.",
        ),
        (
            {"text_fr": "{", "subject_fr": "x"},
            "text_fr",
            "A brace stands alone here; write a placeholder as {name}, and a brace that is meant twice: {{ or }}.",
        ),
        (
            {"subject_en": "x\u202e"},
            "subject_en",
            "There are hidden control characters in this; type it again without them.",
        ),
    ],
)
def test_a_fault_stands_beside_its_field_and_what_was_typed_stays(
    desk: Client, typed: dict[str, Any], field: str, sentence: str
) -> None:
    page = write(desk, 422, **{**WORDS, **typed})
    assert sentence in page.error_of(field)
    sent = page.form(FORM).values.to_dict(flat=False)
    assert {name: sent.get(name, []) for name in typed} == {
        name: [value.strip()] if isinstance(value, str) else value for name, value in typed.items()
    }
    assert desk.page(ALL).texts("tbody tr") == []


@SQLITE
@pytest.mark.parametrize("field", ["states", "categories", "sessions", "languages"])
@pytest.mark.parametrize("value", ["no-such", "unverified", "-", "1' OR 1=1", "\x00"])
def test_what_the_form_does_not_offer_is_refused(desk: Client, field: str, value: str) -> None:
    form = desk.page(f"{ALL}new").form(FORM)
    form.fill(WORDS)
    form.values.setlist(field, [value])
    assert desk.send(form).status_code == 422


@SQLITE
def test_a_draft_can_be_changed_and_deleted(desk: Client) -> None:
    page = write(desk, categories=["youth"], sessions=["human-rights"], languages=["en"])
    page = desk.submit(page.form(FORM), subject_en="The gates", categories=[], subject_fr="Portes", text_fr="Oui.")
    assert page.heading == "The gates"
    assert ticked(page, "categories") == []
    assert (ticked(page, "sessions"), ticked(page, "languages"), ticked(page, "states")) == (
        ["Opening session and discussion"],
        ["English"],
        ["Confirmed"],
    )
    assert page.form(FORM).values["text_fr"] == "Oui."
    page = desk.submit(button(page, "Delete this draft"))
    assert page.texts(".notice, main > p:last-child") == ["The draft is deleted.", "Nothing has been written yet."]


@SQLITE
def test_save_and_preview_leads_to_the_preview(desk: Client) -> None:
    form = desk.page(f"{ALL}new").form(FORM).fill(WORDS)
    form.values["then"] = "preview"
    assert desk.submit(form).heading == "Preview"


def test_of_two_who_edit_one_draft_the_second_is_told_and_keeps_the_words(app: Flask, desk: Client) -> None:
    first = write(desk)
    other = at_desk(app, Role.EDITOR)
    second = other.page(first.url)
    desk.submit(first.form(FORM), text_en="Nine o'clock.", languages=["fr"])
    page = other.submit(second.form(FORM), 422, text_en="Ten o'clock.")
    assert page.texts(".summary li") == [
        "Somebody has changed this announcement in the meantime; compare with what stands now, and send it again."
    ]
    sent = page.form(FORM).values
    assert (sent["text_en"], sent.getlist("languages")) == ("Ten o'clock.", [])
    assert "Now: Nine o'clock." in page.texts("#text_en-help")
    assert "Now: French" in page.texts("#languages-help")
    assert other.submit(page.form(FORM)).form(FORM).values["text_en"] == "Ten o'clock."


@SQLITE
def test_who_saves_what_stands_already_is_not_troubled(app: Flask, desk: Client) -> None:
    page = write(desk)
    desk.submit(page.form(FORM), text_en="Ten o'clock.")
    assert desk.submit(page.form(FORM), text_en="Ten o'clock.").texts(".notice") == ["Saved as a draft."]


def test_what_was_changed_after_it_was_looked_at_is_not_sent(app: Flask, desk: Client) -> None:
    add(app, "Amina")
    page = write(desk)
    agreed = desk.page(page.link("Send")).form()
    other = at_desk(app, Role.EDITOR)
    other.submit(other.page(page.url).form(FORM), text_en="Ten o'clock.")
    after = desk.submit(agreed)
    assert after.texts(".notice, .state") == [
        "Somebody has changed this announcement in the meantime; compare with what stands now, and send it again.",
        "Draft",
    ]


@SQLITE
def test_the_page_that_asks_says_who_and_how_many(app: Flask, desk: Client) -> None:
    add_crowd(app)
    page = write(desk, categories=["youth"], sessions=["human-rights", "civil-society"])
    asked = desk.page(page.link("Send"))
    assert asked.texts("#who ~ p") == ["2 people · English: 1 · French: 1"]
    assert facts(asked) == {
        "State": "Confirmed",
        "Category": "Youth",
        "Session": "Opening session and discussion · Discussion, premiere of “VictimA” and closing session",
        "Language of mails": "All",
    }
    assert asked.texts("main button") == ["Send to 2 people"]


@SQLITE
def test_nothing_is_sent_to_nobody(app: Flask, desk: Client) -> None:
    asked = desk.page(write(desk).link("Send"))
    assert asked.texts("main button") == []
    assert desk.submit(asked.form()).texts(".notice") == ["Nobody would get this: choose another group."]


def test_what_was_sent_can_be_neither_edited_nor_deleted_nor_sent_again(
    app: Flask, desk: Client, clock: FakeClock, smtp: MailServer
) -> None:
    add(app, "Amina")
    draft = write(desk)
    asked = desk.page(draft.link("Send"))
    desk.submit(asked.form())
    said = "This has been sent: write another from it."
    for _time in ("before it leaves", "after"):
        assert said in desk.submit(draft.form(FORM), 422, text_en="Ten o'clock.").text
        assert desk.submit(button(draft, "Delete this draft")).texts(".notice")[0] == said
        assert desk.submit(asked.form()).texts(".notice")[0] == said
        leave(app, clock)
    assert [mail.text.count("nine") for mail in smtp.mails] == [1]


@SQLITE
def test_another_can_be_written_from_it(app: Flask, desk: Client, clock: FakeClock, smtp: MailServer) -> None:
    add(app, "Amina")
    page = announce(desk, categories=["youth"])
    leave(app, clock)
    copied = desk.submit(button(desk.page(page.url), "Write another from this"))
    assert copied.url != page.url
    assert (copied.texts(".state"), ticked(copied, "categories")) == (["Draft"], ["Youth"])
    assert desk.page(ALL).texts("td[data-label=State]") == ["Draft", "Sent: 2 Mar 2026, 10:01 UTC−5"]


@SQLITE
def test_the_list_says_to_whom_and_how_long_each_can_be_taken_back(app: Flask, desk: Client, clock: FakeClock) -> None:
    add(app, "Amina")
    announce(desk, categories=["youth"])
    clock.advance(20 * SECOND)
    page = desk.page(ALL)
    assert page.texts("td") == [
        "State: ConfirmedCategory: YouthSession: AllLanguage of mails: All",
        "Leaves in 40 seconds Take it back",
        "–",
    ]
    assert desk.submit(button(page, "Take it back")).texts(".state") == ["Draft"]


@SQLITE
def test_the_page_of_what_is_about_to_leave_loads_itself_again(app: Flask, desk: Client, clock: FakeClock) -> None:
    """Every twenty seconds, and the last time when it has left."""
    add(app, "Amina")
    page = announce(desk)
    others = at_desk(app, Role.VIEWER)
    assert others.page(page.url).response.headers.get("Refresh") is None
    found = []
    for wait in (0, 20, 32, 8):
        clock.advance(wait * SECOND)
        shown = desk.page(page.url)
        found.append((shown.response.headers.get("Refresh"), shown.texts(".state"), "loads itself again" in shown.text))
    assert found == [
        ("20", ["Leaves in 60 seconds"], True),
        ("20", ["Leaves in 40 seconds"], True),
        ("8", ["Leaves in 8 seconds"], True),
        (None, ["Being sent"], False),
    ]


@SQLITE
def test_the_list_asks_the_database_as_often_for_many_as_for_few(app: Flask, desk: Client) -> None:
    write(desk)
    desk.page(ALL)
    with counted_queries(app) as few:
        desk.page(ALL)
    for number in range(3):
        write(desk, subject_en=f"Number {number}", categories=["youth"], sessions=["human-rights"])
    with counted_queries(app) as many:
        desk.page(ALL)
    assert len(many) == len(few)


@SQLITE
@pytest.mark.parametrize("role", [Role.REVIEWER, Role.EXPORTER, Role.VIEWER])
def test_others_see_where_it_stands_and_neither_its_words_nor_buttons(app: Flask, desk: Client, role: Role) -> None:
    add(app, "Amina")
    page = announce(desk)
    other = at_desk(app, role)
    assert other.page(ALL).texts("main button, main .button") == []
    seen = other.page(page.url)
    assert (seen.heading, seen.texts(".state"), seen.texts("main button")) == (
        "The doors",
        ["Leaves in 60 seconds"],
        [],
    )
    assert "nine" not in seen.text
    token = str(other.page(ALL).one("header [name=csrf_token]")["value"])
    for path in ("", "delete", "copy", "send", "take-back", "test"):
        assert (path, other.post(page.url + path, data={"csrf_token": token}).status_code) == (path, 403)
    for path in ("preview/", "preview/body.html", "send"):
        assert (path, other.get(page.url + path).status_code) == (path, 403)


@SQLITE
def test_nothing_is_done_without_the_forms_token(app: Flask, desk: Client) -> None:
    add(app, "Amina")
    page = write(desk)
    for path in ("", "delete", "copy", "send", "take-back", "test"):
        assert (path, desk.post(page.url + path, data=WORDS).status_code) == (path, 400)
    assert desk.post(ALL, data=WORDS).status_code == 400
    assert desk.page(ALL).texts("td[data-label=State]") == ["Draft"]


@SQLITE
def test_an_announcement_of_another_event_is_not_there(app: Flask, desk: Client) -> None:
    page = write(desk)
    with app.app_context(), writing():
        event = event_named(SLUG)
        columns = {one.key: getattr(event, one.key) for one in Event.__table__.columns if one.key not in ("id", "slug")}
        db.session.add(Event(slug="another", **columns))
    everywhere = at_desk(app, Role.OWNER, event=None, address="all@example.org")
    elsewhere = page.url.replace(SLUG, "another")
    token = str(everywhere.page(ALL).one("header [name=csrf_token]")["value"])
    for path in ("", "preview/", "preview/body.html", "send"):
        assert (path, everywhere.get(elsewhere + path).status_code) == (path, 404)
    for path in ("", "delete", "copy", "send", "take-back", "test"):
        assert (path, everywhere.post(elsewhere + path, data={"csrf_token": token}).status_code) == (path, 404)
    assert [everywhere.get(f"{ALL}{number}/").status_code for number in ("0", "999", "9" * 30)] == [404, 404, 404]


def test_an_editor_chooses_and_sees_categories_at_risk_as_one(app: Flask) -> None:
    editor = at_desk(app, Role.EDITOR)
    add(app, "Amina", "victims-survivors")
    add(app, "Bo", "human-rights")
    add(app, "Chi", "youth")
    page = write(editor, categories=["participant"])
    assert ticked(page, "categories") == ["Participant"]
    assert "Victim or survivor" not in page.text
    assert page.texts("#who ~ p strong") == ["2 people"]
    assert facts(editor.page(page.link("Send")))["Category"] == "Participant"
    assert categories_kept(app) == [["human-rights", "victims-survivors"]]


def test_an_editor_does_not_widen_unseen_what_an_owner_chose(app: Flask, desk: Client) -> None:
    add(app, "Amina", "victims-survivors")
    add(app, "Bo Example", "human-rights")
    page = write(unmask(desk), categories=["victims-survivors", "youth"])
    editor = at_desk(app, Role.EDITOR)
    seen = editor.page(page.url)
    assert ticked(seen, "categories") == ["Youth", "Participant"]
    assert [name for name in ("Amina", "Bo Example") if name in editor.page(page.url + "preview/").text] == []
    editor.submit(seen.form(FORM), text_en="Ten o'clock.")
    assert sorted(categories_kept(app)[0]) == ["victims-survivors", "youth"]
    editor.submit(editor.page(page.url).form(FORM), categories=["youth"])
    assert categories_kept(app) == [["youth"]]


def test_how_many_are_in_one_of_several_categories_at_risk_is_not_told(
    app: Flask, desk: Client, clock: FakeClock, smtp: MailServer
) -> None:
    add(app, "Amina", "victims-survivors")
    page = write(unmask(desk), categories=["victims-survivors", "youth"])
    assert page.texts("#who ~ p strong") == ["1 person"]
    editor = at_desk(app, Role.EDITOR)
    sending = editor.page(editor.page(page.url).link("Send"))
    for shown in (editor.page(page.url), sending):
        assert "How many people this is for is told to those alone" in shown.text
        assert "1 person" not in shown.text
    editor.submit(sending.form())
    leave(app, clock)
    assert reached(smtp) == ["amina"]
    assert [facts(one.page(page.url)).get("Sent") for one in (editor, desk)] == [None, "1"]


def test_a_category_that_is_gone_selects_nobody_and_is_never_lost_unseen(
    app: Flask, desk: Client, clock: FakeClock, smtp: MailServer
) -> None:
    add(app, "Amina")
    page = write(desk, categories=["experts"], sessions=["civil-society"])
    agreed = desk.page(page.link("Send")).form()
    with app.app_context(), writing():
        db.session.execute(delete(Category).where(Category.slug == "experts"))
        db.session.execute(update(EventSession).where(EventSession.slug == "civil-society").values(slug="other"))
    change(app, Event, SLUG)
    page = desk.page(page.url)
    assert (ticked(page, "categories"), ticked(page, "sessions")) == ([NOT_THERE], [NOT_THERE])
    assert page.texts("#who ~ p strong") == ["0 people"]
    assert facts(desk.page(page.link("Send")))["Category"] == NOT_THERE
    page = desk.submit(page.form(FORM), 422)
    assert page.error_of("categories").endswith("One of these categories is no longer there: take its tick away.")
    assert page.error_of("sessions").endswith("One of these sessions is no longer there: take its tick away.")
    assert desk.submit(agreed).texts(".notice") == ["One of these categories is no longer there: take its tick away."]
    page = desk.submit(page.form(FORM), categories=[], sessions=[])
    assert page.texts("#who ~ p strong") == ["1 person"]


def test_what_goes_within_the_minute_selects_nobody(
    app: Flask, desk: Client, clock: FakeClock, smtp: MailServer
) -> None:
    add(app, "Amina", sessions=("human-rights",))
    page = announce(desk, sessions=["human-rights"])
    with app.app_context(), writing():
        db.session.execute(update(EventSession).where(EventSession.slug == "human-rights").values(slug="other"))
    leave(app, clock)
    page = desk.page(page.url)
    assert (smtp.mails, mail_states(app)) == ([], [])
    assert page.texts("#mails ~ p") == ["Nobody was in the group when this was sent."]
    assert facts(page, "#whom ~")["Session"] == NOT_THERE


@SQLITE
def test_a_preview_shows_an_invented_participant_in_any_language(app: Flask, desk: Client) -> None:
    page = write(desk, text_en="Dear {name}.", subject_ar="الأبواب", text_ar="{name}: تفتح الأبواب في التاسعة.")
    preview = desk.page(f"{page.url}preview/?language=ar")
    assert facts(preview) == {
        "From": "فريق الحوار (نموذج) <dialogue@example.org>",
        "Replies go to": "dialogue@example.org",
        "Subject": "الأبواب",
    }
    assert "تفتح الأبواب في التاسعة." in preview.one("pre").get_text()
    discreet = desk.page(f"{page.url}preview/?person=discreet")
    assert facts(discreet)["Subject"] == "There is a message for you about Online meeting"
    assert facts(desk.page(f"{page.url}preview/?language=xx"))["Subject"] == "The doors"


def test_a_preview_as_a_participant_shows_their_words_and_no_key_of_theirs(app: Flask, desk: Client) -> None:
    add_crowd(app)
    page = write(desk, text_en="Dear {name}: {own_page}", categories=["experts"])
    preview = desk.page(f"{page.url}preview/")
    assert preview.texts("#person option")[2:] == ["Chi"]
    with app.app_context():
        amina = registrations(AMINA)[0]
        public_id, key = amina.public_id, key_for(amina, LinkKind.MANAGE)
    preview = desk.page(f"{page.url}preview/?person={public_id}")
    assert preview.texts("#person option[selected]") == ["Amina"]
    shown = preview.one("pre").get_text()
    assert "Dear Amina: https://events.example.org/my/" in shown
    assert (key in preview.response.text, AMINA in preview.response.text) == (False, False)
    path = next(word for word in shown.split() if "/my/" in word)
    assert app.test_client().get(path).status_code == 404


@SQLITE
def test_a_participants_page_leads_to_what_is_not_sent_yet_as_they_would_get_it(app: Flask, desk: Client) -> None:
    amina, chi = add(app, "Amina"), add(app, "Chi", "victims-survivors")
    announce(desk, subject_en="Sent already")
    write(desk, text_en="Dear {name}")
    page = desk.page(f"{LIST}{amina}/")
    assert page.texts("section[aria-labelledby=drafts] li") == ["The doors"]
    assert "Dear Amina" in desk.page(page.link("The doors")).one("pre").get_text()
    there = [f"{LIST}{person}/" for person in (amina, chi)]
    editor, reviewer = at_desk(app, Role.EDITOR), at_desk(app, Role.REVIEWER)
    seen = [[len(one.page(path).all("#drafts")) for path in there] for one in (desk, editor, reviewer)]
    assert seen == [[1, 0], [1, 0], [0, 0]]
    assert len(unmask(desk).page(there[1]).all("#drafts")) == 1


@SQLITE
@pytest.mark.parametrize("person", ["A" * 22, "A", "x" * 5000, "../x", "\x00", "' OR 1=1"])
def test_there_is_no_preview_as_somebody_who_is_not_there(desk: Client, person: str) -> None:
    page = write(desk)
    for path in ("preview/", "preview/body.html"):
        assert desk.get(page.url + path, query_string={"person": person}).status_code == 404


@SQLITE
def test_the_mail_itself_is_shut_in(app: Flask, desk: Client) -> None:
    page = write(desk, text_en="<script>alert(1)</script> {own_page}")
    preview = desk.page(f"{page.url}preview/")
    frame = str(preview.one("iframe")["src"])
    assert "frame-src 'self'" in preview.response.headers["Content-Security-Policy"]
    plain = PlainClient(app)
    plain._cookies = dict(desk._cookies or {})
    body = plain.get(frame, base_url="https://events.example.org")
    assert body.status_code == 200
    policy = body.headers["Content-Security-Policy"]
    assert ("default-src 'none'" in policy, "sandbox" in policy) == (True, True)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in body.text
    assert "<script>" not in body.text


@SQLITE
def test_a_test_mail_goes_to_who_asks_and_to_nobody_else(app: Flask, desk: Client, smtp: MailServer) -> None:
    add_crowd(app)
    page = write(desk, text_en="Dear {name}: {own_page}")
    preview = desk.page(f"{page.url}preview/?language=fr")
    after = desk.submit(button(preview, "Send a test to me"))
    assert after.texts(".notice") == ["A test is on its way to you."]
    assert after.texts("#language option[selected]") == ["French"]
    assert reached(smtp) == ["owner"]
    assert smtp.mails[0].subject == "[Test] The doors"
    assert mail_states(app) == []
    path = next(word for word in smtp.mails[0].text.split() if "/my/" in word)
    assert app.test_client().get(path).status_code == 404


@SQLITE
@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        ("550 5.1.1 No such user", "The mail server did not take it (550)."),
        ("530 5.7.0 Sign in first", "The mail server cannot be reached now; try again in a minute."),
    ],
)
def test_what_comes_of_a_test_is_said(desk: Client, smtp: MailServer, reply: str, sentence: str) -> None:
    smtp.reply_to_data = reply
    preview = desk.page(f"{write(desk).url}preview/")
    assert desk.submit(button(preview, "Send a test to me")).texts(".notice.error") == [sentence]


@SQLITE
def test_ten_tests_an_hour_are_enough(app: Flask, desk: Client, smtp: MailServer) -> None:
    test = button(desk.page(f"{write(desk).url}preview/"), "Send a test to me")
    assert [desk.send(test).status_code for _time in range(11)] == [303] * 10 + [429]
    assert len(smtp.mails) == 10


@SQLITE
def test_who_may_not_unmask_compares_with_what_stands_without_learning_who_it_is_for(app: Flask) -> None:
    editor, owner = at_desk(app, Role.EDITOR), at_desk(app, Role.OWNER)
    page = write(editor, categories=["participant"])
    unmask(owner)
    owner.submit(owner.page(page.url).form(FORM), categories=["victims-survivors"])
    compared = editor.submit(page.form(FORM), 422, subject_en="Another", categories=["youth"])
    assert "Somebody has changed this announcement" in compared.text
    assert "Now: Participant" in compared.text
    assert "Victim or survivor" not in compared.text
