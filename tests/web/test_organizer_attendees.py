"""The attendee list: filters, search, masks, and decisions on one or many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import event as listening
from sqlalchemy import func, select

from registration.domain import replies
from registration.domain.personal import open_personal
from registration.domain.replies import MailedReply
from registration.extensions import db, writing
from registration.models import Category, Event, Registration
from registration.models.delivery import DeliveryKind, DeliveryState
from registration.models.invitation import Reply
from registration.models.organizer import Role
from registration.models.registration import RegistrationState as State
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import AMINA, DAY, change, load_dialogue, owed, take_part, work
from tests.support.organizers import LIST, add_people, add_person, at_desk, unmask
from tests.support.pages import Page
from tests.support.replies import invitations, invite
from tests.support.smtp import MailServer

FILTERS = "form[method=get]"
SEARCH = "form[role=search]"
DECIDE = "main form:has([name=decision])"
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app)


@pytest.fixture
def reviewer(app: Flask) -> Client:
    return at_desk(app, Role.REVIEWER)


@pytest.fixture
def owner(app: Flask) -> Client:
    return at_desk(app, Role.OWNER)


def names(page: Page) -> list[str]:
    return page.texts("tbody th")


def categories(page: Page) -> list[str]:
    return page.texts("td[data-label=Category]")


def states(app: Flask) -> dict[str, str]:
    """{name: state} of everybody."""
    with app.app_context():
        return {open_personal(one).name: one.state.value for one in db.session.scalars(select(Registration))}


@contextmanager
def counted_queries(app: Flask) -> Iterator[list[str]]:
    """The statements that the block sends to the database."""
    with app.app_context():
        engine = db.engine
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    listening.listen(engine, "before_cursor_execute", note)
    yield statements
    listening.remove(engine, "before_cursor_execute", note)


def test_list_shows_the_newest_first_with_what_is_needed_to_know_them(app: Flask, reviewer: Client) -> None:
    with app.app_context():
        add_person("Amina", "civil-society", organization="Example Aid", country="NP")
        add_person("Bo", "youth", State.IN_REVIEW)
    page = reviewer.page(LIST)
    cells = [[cell for cell in row if cell] for row in (page.texts(f"tbody tr:nth-of-type({n}) > *") for n in (1, 2))]
    assert cells == [
        ["Bo", "Youth", "In review", "2 Mar 2026, 10:00 UTC−5"],
        ["Amina", "Example Aid", "Nepal", "Civil society organization", "Confirmed", "2 Mar 2026, 10:00 UTC−5"],
    ]
    assert "2 people" in page.text


def test_whoever_has_not_proved_the_address_is_listed_on_request_alone(app: Flask, reviewer: Client) -> None:
    with app.app_context():
        add_person("Amina")
        add_person("Stranger", state=State.UNVERIFIED)
    assert names(reviewer.page(LIST)) == ["Amina"]
    assert names(reviewer.submit(reviewer.page(LIST).form(FILTERS), state="unverified")) == ["Stranger"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("state", "waiting"), ("category", "youth"), ("session", "civil-society"), ("country", "NP")],
)
def test_each_filter_leaves_those_who_fit(app: Flask, reviewer: Client, field: str, value: str) -> None:
    with app.app_context():
        add_person("Amina", "youth", State.WAITING, country="NP", sessions=("civil-society",))
        add_person("Bo", "experts", State.CONFIRMED, country="ES", sessions=("human-rights",))
    assert names(reviewer.submit(reviewer.page(LIST).form(FILTERS), **{field: value})) == ["Amina"]


@SQLITE
def test_an_unknown_filter_is_said_beside_its_field_and_lists_nobody(app: Flask, reviewer: Client) -> None:
    with app.app_context():
        add_person("Amina")
    page = reviewer.page(f"{LIST}?category=everybody", 422)
    assert page.texts("#category-error") == ["This choice is not offered; choose from the list."]
    assert names(page) == []


def test_order_by_name_ignores_case_and_accents(app: Flask, reviewer: Client) -> None:
    with app.app_context():
        for name in ("émile", "Zoë", "Emil", "abel", "张"):
            add_person(name)
    page = reviewer.submit(reviewer.page(LIST).form(FILTERS), order="name")
    assert names(page) == ["abel", "Emil", "émile", "Zoë", "张"]


@pytest.mark.parametrize("words", ["EMILE", "zoë aid", "aid", "emile.one@example.org", "Emile.One@Example.org"])
def test_search_finds_by_name_organization_or_whole_address(app: Flask, reviewer: Client, words: str) -> None:
    with app.app_context():
        add_person("Émile Zoe", organization="Example Aid", address="emile.one@example.org")
        add_person("Bo", organization="Institute", address="emile.two@example.org")
    assert names(reviewer.submit(reviewer.page(LIST).form(SEARCH), search=words)) == ["Émile Zoe"]


@SQLITE
@pytest.mark.parametrize("words", ["captions for", "hidden", "victims", "example.org", "emigrated", "Online"])
def test_search_matches_nothing_that_the_list_does_not_show(app: Flask, reviewer: Client, words: str) -> None:
    with app.app_context():
        add_person(
            "Amina",
            "victims-survivors",
            needs="captions for two",
            answers={"organization": "hidden"},
            reason="emigrated",
            neutral_title="Online meeting",
        )
    page = reviewer.submit(reviewer.page(LIST).form(SEARCH), search=words)
    assert names(page) == []
    assert "Nobody fits" in page.text


@SQLITE
def test_no_address_shows_what_was_searched(app: Flask, reviewer: Client) -> None:
    with app.app_context():
        add_person("Amina")
    answer = reviewer.send(reviewer.page(LIST).form(SEARCH), search="Amina")
    assert answer.status_code == 303
    assert "amina" not in answer.headers["Location"].lower()
    assert reviewer.page(answer.headers["Location"]).one("[name=search]")["value"] == "Amina"


@SQLITE
def test_a_search_sealed_for_one_organizer_tells_another_nothing(app: Flask, reviewer: Client) -> None:
    with app.app_context():
        add_person("Amina")
        add_person("Bo")
    found = reviewer.send(reviewer.page(LIST).form(SEARCH), search="Amina").headers["Location"]
    other = at_desk(app, Role.EDITOR).page(found, 422)
    assert other.one("[name=search]").get("value", "") == ""
    assert names(other) == []


@SQLITE
@pytest.mark.parametrize("find", ["x", "é", "AAAA", "%00", "k1:abc="])
def test_a_search_that_does_not_open_does_not_come_to_mean_everybody(app: Flask, reviewer: Client, find: str) -> None:
    with app.app_context():
        add_person("Amina")
    page = reviewer.page(LIST, 422, query_string={"find": find})
    assert page.texts(".summary li") == ["This search is over, or was somebody else’s; type it again."]
    assert (names(page), page.all("main a[href*='export']")) == ([], [])
    assert names(reviewer.page(str(page.all("form[role=search] a")[0]["href"]))) == ["Amina"]


def test_fifty_stand_on_a_page_and_filters_go_along(app: Flask, reviewer: Client) -> None:
    with app.app_context():
        add_people(51, state=State.WAITING)
        add_person("Amina")
    first = reviewer.page(f"{LIST}?state=waiting&order=name")
    assert names(first) == [f"Person {number:03}" for number in range(50)]
    second = reviewer.page(first.link("Next"))
    assert names(second) == ["Person 050"]
    assert names(reviewer.page(second.link("Previous"))) == names(first)


@SQLITE
@pytest.mark.parametrize("number", ["0", "-1", "99", "x", "٣", "9" * 40])
def test_a_page_that_is_none_gives_one_that_is(app: Flask, reviewer: Client, number: str) -> None:
    with app.app_context():
        add_person("Amina")
    assert names(reviewer.page(LIST, query_string={"page": number})) == ["Amina"]


def test_list_asks_the_database_as_often_for_thirty_as_for_one(app: Flask, reviewer: Client) -> None:
    with app.app_context():
        add_person("Amina")
    reviewer.page(LIST)
    with counted_queries(app) as for_one:
        reviewer.page(LIST)
    with app.app_context():
        add_people(30, organization="Example Aid", country="NP", sessions=("human-rights",))
    with counted_queries(app) as for_many:
        assert len(names(reviewer.page(LIST))) == 31
    assert len(for_many) == len(for_one)


# Masks.


@SQLITE
@pytest.mark.parametrize("role", [Role.EDITOR, Role.REVIEWER, Role.EXPORTER])
def test_people_at_risk_are_participants_on_the_list(app: Flask, role: Role) -> None:
    with app.app_context():
        add_person("Amina", "victims-survivors")
        add_person("Bo", "human-rights")
        add_person("Chi", "youth")
    desk = at_desk(app, role)
    page = desk.page(LIST)
    assert categories(page) == ["Youth", "Participant", "Participant"]
    assert page.texts("#category option")[-1] == "Participant"
    assert "ictims" not in page.text
    assert names(desk.page(f"{LIST}?category=participant")) == ["Bo", "Amina"]
    assert names(desk.page(f"{LIST}?category=victims-survivors", 422)) == []


@SQLITE
def test_owner_sees_and_filters_every_category_after_saying_why(app: Flask, owner: Client) -> None:
    with app.app_context():
        add_person("Amina", "victims-survivors")
        add_person("Bo", "human-rights")
    assert categories(owner.page(LIST)) == ["Participant", "Participant"]
    page = unmask(owner).page(LIST)
    option = next(one for one in page.all("#category option") if "Victim" in one.get_text())
    page = owner.submit(page.form(FILTERS), category=str(option["value"]))
    assert (names(page), categories(page)) == (["Amina"], ["Victim or survivor of terrorism"])
    assert "victim" not in page.url


@SQLITE
@pytest.mark.parametrize(
    ("role", "seen"), [(Role.OWNER, True), (Role.REVIEWER, True), (Role.EDITOR, False), (Role.EXPORTER, False)]
)
def test_the_page_of_one_at_risk_tells_category_and_answers_to_who_decides(app: Flask, role: Role, seen: bool) -> None:
    with app.app_context():
        public_id = add_person("Amina", "human-rights", answers={"work": "I defend rivers"})
    desk = at_desk(app, role)
    page = desk.page(f"{LIST}{public_id}/")
    assert page.heading == "Amina"
    assert ("I defend rivers" in page.text, "Participant" in page.texts("dd")) == (False, True)
    assert bool(page.all("form.look")) == seen
    if seen:
        page = desk.submit(page.form("form.look"), why="To decide")
        assert ("I defend rivers" in page.text, "Participant" in page.texts("dd")) == (True, False)


@SQLITE
def test_one_registration_shows_answers_in_words(app: Flask, reviewer: Client) -> None:
    with app.app_context():
        public_id = add_person(
            "Amina",
            "civil-society",
            sessions=("human-rights",),
            answers={"ecosoc_status": "none", "site": "https://example.org", "organization": "Example Aid"},
            organization="Example Aid",
            captions=True,
            needs="A break each hour",
        )
    text = reviewer.page(f"{LIST}{public_id}/").text
    assert "https://example.org" in text
    assert "Captions A break each hour" in text
    assert text.count("Example Aid") == 1


@SQLITE
def test_replies_to_invitations_stand_beside_a_registration_as_a_note(app: Flask, clock: FakeClock) -> None:
    with app.app_context():
        public_id = add_person("Amina", address=AMINA, sessions=("human-rights", "civil-society"))
        invite(public_id, "human-rights", "civil-society")
        codes = [invitations(public_id)[slug].session.code for slug in ("human-rights", "civil-society")]
    assert "Replies to invitations" not in at_desk(app, Role.REVIEWER).page(f"{LIST}{public_id}/").texts("dt")
    for code, answer in zip(codes, (Reply.DECLINED, Reply.TENTATIVE), strict=True):
        clock.advance(DAY)
        with app.app_context(), writing():
            replies.note(MailedReply(code, AMINA, answer, clock.now), now=clock.now)
    reviewer = at_desk(app, Role.REVIEWER)
    page = reviewer.page(f"{LIST}{public_id}/")
    assert page.texts("dt:-soup-contains('Replies') + dd li") == [
        "Opening session and discussion: declined on Tuesday, 3 March 2026",
        "Discussion, premiere of “VictimA” and closing session: perhaps, said on Wednesday, 4 March 2026",
    ]
    assert "Anyone can write one in another’s name, so the registration stays as it is." in page.text
    assert page.texts("p.state") == ["Confirmed"]
    with app.app_context(), writing():
        replies.note(MailedReply(codes[0], AMINA, Reply.ACCEPTED, clock.now), now=clock.now)
    again = reviewer.page(f"{LIST}{public_id}/").texts("dt:-soup-contains('Replies') + dd li")
    assert again[0] == "Opening session and discussion: accepted on Wednesday, 4 March 2026"


# Decisions.


def test_a_reviewer_approves_and_the_person_is_told(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp, "experts")
    reviewer = at_desk(app, Role.REVIEWER)
    page = reviewer.page(reviewer.page(LIST).link("Amina"))
    after = reviewer.submit(page.form(DECIDE), decision="approve", reason="Welcome\nto all")
    assert after.texts(".notice") == ["1 person approved."]
    assert "decided by reviewer@example.org on Monday, 2 March 2026" in after.text
    work(app)
    assert states(app) == {"Amina": "confirmed"}
    assert len([mail for mail in smtp.mails if mail.recipients == (AMINA,)]) == 3


def test_declining_needs_a_reason_and_mails_it(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp, "experts")
    reviewer = at_desk(app, Role.REVIEWER)
    form = reviewer.page(LIST).form(DECIDE)
    again = reviewer.submit(form, 422, chosen=True, decision="decline")
    assert again.error_of("reason") == (
        "Needed to decline: it is mailed to each person. With an approval it is kept with the registration. "
        "Write a reason: it is mailed to those you decline."
    )
    assert again.one("[name=chosen]").has_attr("checked")
    reviewer.submit(again.form(DECIDE), decision="decline", reason="The room is for\nother experts.")
    work(app)
    assert states(app) == {"Amina": "declined"}
    assert "The room is for\r\nother experts." in smtp.last_to(AMINA).text


def test_many_are_decided_at_once(app: Flask, reviewer: Client) -> None:
    with app.app_context():
        for name in ("Amina", "Bo", "Chi"):
            add_person(name, "experts", State.IN_REVIEW)
    page = reviewer.page(LIST)
    chosen = [str(box["value"]) for box in page.all("[name=chosen]")[:2]]
    after = reviewer.submit(page.form(DECIDE), chosen=chosen, decision="approve")
    assert after.texts(".notice") == ["2 people approved."]
    assert states(app) == {"Amina": "in_review", "Bo": "confirmed", "Chi": "confirmed"}


@SQLITE
def test_nobody_chosen_is_said(app: Flask, reviewer: Client) -> None:
    with app.app_context():
        add_person("Amina", "experts", State.IN_REVIEW)
    page = reviewer.submit(reviewer.page(LIST).form(DECIDE), 422, decision="approve", reason="Welcome")
    assert page.texts(".summary li") == ["Choose at least one person."]
    assert page.one("textarea").get_text().strip() == "Welcome"


def test_one_who_changed_meanwhile_is_left_and_the_others_are_done(app: Flask, reviewer: Client) -> None:
    with app.app_context():
        for name in ("Amina", "Bo"):
            add_person(name, "experts", State.IN_REVIEW)
    page = reviewer.page(LIST)
    with app.app_context():
        amina = next(one for one in db.session.scalars(select(Registration)) if open_personal(one).name == "Amina")
        amina.state = State.CANCELLED
        db.session.commit()
    everybody = [str(box["value"]) for box in page.all("[name=chosen]")]
    after = reviewer.submit(page.form(DECIDE), chosen=everybody, decision="approve", reason="Welcome")
    assert after.texts(".notice") == [
        "1 person approved.",
        "Not done for 1 person. This registration has changed in the meantime; look at it again.",
    ]
    assert states(app) == {"Amina": "cancelled", "Bo": "confirmed"}
    with app.app_context():
        reasons = {
            open_personal(one).name: open_personal(one).reason for one in db.session.scalars(select(Registration))
        }
        told = owed(DeliveryKind.CONFIRMED)
    assert reasons == {"Amina": "", "Bo": "Welcome"}
    assert told == [(DeliveryKind.CONFIRMED, DeliveryState.WAITING)]


def test_where_no_place_is_free_the_rest_stay_as_they_are(app: Flask, reviewer: Client) -> None:
    with app.app_context():
        for name in ("Amina", "Bo", "Chi"):
            add_person(name, "experts", State.WAITING)
    change(app, Category, "experts", places=1)
    page = reviewer.page(LIST)
    everybody = [str(box["value"]) for box in page.all("[name=chosen]")]
    after = reviewer.submit(page.form(DECIDE), chosen=everybody, decision="approve")
    assert after.texts(".notice") == [
        "1 person approved.",
        "Not done for 2 people. No place is free: raise the number of places first.",
    ]
    assert states(app) == {"Amina": "waiting", "Bo": "waiting", "Chi": "confirmed"}


@SQLITE
def test_no_cookie_names_whom_a_decision_left_out(app: Flask, reviewer: Client) -> None:
    with app.app_context():
        public_id = add_person("Amina", "experts", State.IN_REVIEW)
    form = reviewer.page(LIST).form(DECIDE)
    reviewer.send(form, chosen=[f"{public_id}:waiting"], decision="approve")
    with reviewer.session_transaction(base_url=reviewer.public_url) as session:
        kept = str(dict(session))
    assert "Not done for 1 person." in kept
    assert "Amina" not in kept


@pytest.mark.parametrize("state", [State.UNVERIFIED, State.CANCELLED])
def test_nobody_is_admitted_who_did_not_prove_or_cancelled(app: Flask, reviewer: Client, state: State) -> None:
    with app.app_context():
        public_id = add_person("Amina", "experts", state)
    assert reviewer.page(f"{LIST}{public_id}/").all("[name=decision]") == []
    form = reviewer.page(f"{LIST}?state={state}").form(DECIDE)
    reviewer.submit(form, chosen=[f"{public_id}:{state}"], decision="approve")
    assert states(app) == {"Amina": state.value}


def test_a_decline_gives_the_place_to_whoever_waits(app: Flask, reviewer: Client) -> None:
    with app.app_context():
        add_person("Amina", "youth", State.WAITING)
        public_id = add_person("Bo", "youth", State.CONFIRMED)
    change(app, Category, "youth", places=1)
    form = reviewer.page(LIST).form(DECIDE)
    reviewer.submit(form, chosen=[f"{public_id}:confirmed"], decision="decline", reason="Twice")
    assert states(app) == {"Amina": "confirmed", "Bo": "declined"}


def test_places_come_free_when_all_are_declined_and_go_to_none_of_those(app: Flask, reviewer: Client) -> None:
    with app.app_context():
        holding = add_person("Amina", "youth", State.CONFIRMED)
        waiting = add_person("Bo", "youth", State.WAITING)
        add_person("Chi", "youth", State.WAITING)
    change(app, Category, "youth", places=1)
    form = reviewer.page(LIST).form(DECIDE)
    chosen = [f"{holding}:confirmed", f"{waiting}:waiting"]
    after = reviewer.submit(form, chosen=chosen, decision="decline", reason="Twice")
    assert after.texts(".notice") == ["2 people declined."]
    assert states(app) == {"Amina": "declined", "Bo": "declined", "Chi": "confirmed"}


def test_a_registration_of_another_event_cannot_be_reached_from_this_one(app: Flask, reviewer: Client) -> None:
    with app.app_context():
        public_id = add_person("Amina", "experts", State.IN_REVIEW)
        other = db.session.scalars(select(Registration)).one()
        other.event_id = _copy_of_event(other.event_id)
        db.session.commit()
        add_person("Bo", "experts", State.IN_REVIEW)
    reviewer.page(f"{LIST}{public_id}/", 404)
    form = reviewer.page(LIST).form(DECIDE)
    reviewer.submit(form, chosen=[f"{public_id}:in_review"], decision="approve")
    with app.app_context():
        assert db.session.scalar(select(func.count()).where(Registration.state == State.CONFIRMED)) == 0


@pytest.mark.parametrize("chosen", ["", ":", "x:in_review", "no colon", "\x00:y"])
def test_a_choice_that_is_none_decides_nothing(app: Flask, reviewer: Client, chosen: str) -> None:
    with app.app_context():
        add_person("Amina", "experts", State.IN_REVIEW)
    form = reviewer.page(LIST).form(DECIDE)
    reviewer.send(form, chosen=[chosen], decision="approve")
    assert states(app) == {"Amina": "in_review"}


@SQLITE
def test_a_decision_that_is_none_is_refused(app: Flask, reviewer: Client) -> None:
    with app.app_context():
        add_person("Amina", "experts", State.IN_REVIEW)
    reviewer.submit(reviewer.page(LIST).form(DECIDE), 400, decision="erase")


def _copy_of_event(event_id: int) -> int:
    """Another event, otherwise alike; its id."""
    event = db.session.get_one(Event, event_id)
    columns = {one.key: getattr(event, one.key) for one in Event.__table__.columns if one.key not in ("id", "slug")}
    copy = Event(slug="another", **columns)
    db.session.add(copy)
    db.session.flush()
    return copy.id
