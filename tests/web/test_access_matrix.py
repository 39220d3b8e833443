"""The access matrix: every kind of reader at every route with every method, as tests/support/access_matrix.py says."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import update

from registration.domain.access import ALLOWED
from registration.domain.attendees import Filters, conditions_of
from registration.domain.link_keys import LinkKind, key_for
from registration.domain.programme import event_named
from registration.errors import Refusal
from registration.extensions import db, writing
from registration.models import Event
from registration.models.event import EventState
from tests.conftest import MakeSettings, StartApp, forget_all
from tests.support.access_matrix import BY_LINK, METHODS, OF_AN_EVENT, ROWS, SEEING, Outcome, Row, Subject
from tests.support.access_world import ROLES, RowsKeeper, World, make_world
from tests.support.clock import FakeClock
from tests.support.databases import Cluster
from tests.support.dialogue import AMINA, SLUG, registrations

S = Subject
PATHS = {row.path: [one for one in ROWS if one.path == row.path] for row in ROWS}
DRAFTED = [row for row in ROWS if row.is_of_draft]
NAMED = [row for row in ROWS if re.findall(r"{(?!key)\w+}", row.path)]
FOREIGN = [
    (row, name)
    for row in ROWS
    for name in re.findall(r"{(\w+)}", row.path)
    if name not in ("event", "key") and row.endpoint != "watch.neutral"
]
"""Rows that take the id of something that belongs to an event, and which. A neutral address names no event."""


def rows_named(row: Row) -> str:
    return row.name


ROW = pytest.mark.parametrize("row", ROWS, ids=rows_named)


@pytest.fixture
def drafted(world: World) -> Iterator[World]:
    """The same while the event is a draft."""
    assert world.keeper
    for state in (EventState.DRAFT, EventState.PUBLISHED):
        _set_state(world.app, state)
        world.keeper.keep()
        if state is EventState.DRAFT:
            yield world


@pytest.fixture(scope="module")
def on_postgresql(
    make_settings: MakeSettings, start_app: StartApp, cluster: Cluster, migrated_postgresql: str
) -> Iterator[World]:
    """The same world on PostgreSQL."""
    cluster.empty(migrated_postgresql)
    clock = FakeClock()
    with start_app(make_settings(cluster.url(migrated_postgresql)), clock) as app:
        yield make_world(app, RowsKeeper, lambda: forget_all(app, clock))


def test_every_route_has_a_row_and_every_row_a_route(world: World) -> None:
    routes = {
        (rule.endpoint, method)
        for rule in world.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {(row.endpoint, row.method) for row in ROWS} == routes
    with world.app.test_request_context() as context:
        assert context.url_adapter
        led = [context.url_adapter.match(world.fill(row.path, S.STRANGER), row.method)[0] for row in ROWS]
    assert led == [row.endpoint for row in ROWS]


@ROW
def test_each_row_lets_through_whom_it_names_and_nobody_else(world: World, row: Row) -> None:
    for method in ("GET", "HEAD") if row.method == "GET" else (row.method,):
        answers = {subject: world.ask(row, subject, method=method) for subject in Subject}
        found = {subject: world.outcome(row, subject, answer) for subject, answer in answers.items()}
        assert found == {subject: row.expected(subject) for subject in Subject}
        assert {subject: leaks for subject, one in answers.items() if (leaks := world.leaks(subject, one))} == {}


@pytest.mark.parametrize("path", PATHS)
def test_no_address_takes_a_method_without_a_row(world: World, path: str) -> None:
    row, taken = PATHS[path][0], _methods_of(path)
    for method, subject in itertools.product(set(METHODS) - taken, Subject):
        answer = world.ask(row, subject, method=method)
        expected = {405}
        if _is_of_another_row(world, world.fill(path, subject), method):
            expected = {303, 308, 404}
        assert (method, subject, answer.kept) == (method, subject, False)
        assert answer.response.status_code in expected


@pytest.mark.parametrize("path", PATHS)
def test_to_ask_what_an_address_takes_tells_nothing_else(world: World, path: str) -> None:
    """Whoever gets an answer to OPTIONS gets the same whether what the address names is there or not."""
    row, taken = PATHS[path][0], _methods_of(path)
    for subject in Subject:
        answer = world.ask(row, subject, method="OPTIONS")
        missing = world.ask(row, subject, method="OPTIONS", **world.missing)
        assert (answer.kept, answer.response.status_code) == (False, missing.response.status_code)
        if answer.response.status_code == 200:
            assert (answer.response.allow.as_set(True) >= taken, answer.response.data) == (True, b"")
        else:
            assert answer.response.headers["Location"].startswith("/organizer/sign-in/")


@pytest.mark.parametrize("row", NAMED, ids=rows_named)
def test_what_is_hidden_looks_like_what_is_not_there(world: World, row: Row) -> None:
    for subject in Subject:
        if row.expected(subject) is Outcome.HIDDEN:
            hidden = world.ask(row, subject)
            for missing in (world.missing, {"event": "no-such-event"}):
                assert world.ask(row, subject, **missing).body == hidden.body


@pytest.mark.parametrize(("row", "name"), FOREIGN, ids=lambda one: one.name if isinstance(one, Row) else one)
def test_the_id_of_another_event_is_no_id_here(world: World, row: Row, name: str) -> None:
    """Also for who may do the same there: the address says in which event it is done."""
    for subject in row.allowed:
        foreign = world.ask(row, subject, **{name: world.elsewhere[name]})
        missing = world.ask(row, subject, **{name: world.missing[name]})
        assert (foreign.response.status_code, foreign.kept) == (404, False)
        assert foreign.body == missing.body
        assert world.leaks(S.STRANGER, foreign) == set()


def test_the_id_of_another_event_in_a_form_changes_nothing(world: World) -> None:
    elsewhere = {"person": world.elsewhere["person"], "session": world.elsewhere["session"]}
    chosen = [row for row in ROWS if any("{person}" in value or "{session}" in value for value in row.fields.values())]
    assert [row.endpoint for row in chosen] == ["organizer.decide", "organizer.decide_one", "organizer.try_reminder"]
    for row in chosen:
        sent = {**row.fields, **{name: value.format(**elsewhere) for name, value in row.fields.items()}}
        for subject in row.allowed:
            path = world.fill(row.path, subject)
            answer = world.open(path, subject, "POST", {**sent, "csrf_token": world.csrf_token})
            assert (row.name, answer.kept, "Hana" in answer.body) == (row.name, False, False)


@pytest.mark.parametrize("name", ["organizer.preview_reminder", "organizer.reminder_body",
                                  "organizer.preview_announcement", "organizer.preview_body"])  # fmt: skip
def test_a_preview_as_somebody_of_another_event_is_not_there(world: World, name: str) -> None:
    row = next(row for row in ROWS if row.endpoint == name)
    for subject in row.allowed:
        foreign = world.ask(row, subject, query=f"?person={world.elsewhere['person']}")
        missing = world.ask(row, subject, query=f"?person={world.missing['person']}")
        assert (foreign.response.status_code, foreign.body) == (404, missing.body)


def test_a_session_of_another_event_is_no_filter_of_this_list(world: World) -> None:
    filters = Filters(session=world.elsewhere["session"])
    with world.app.app_context(), pytest.raises(Refusal, match="There is no such session"):
        conditions_of(event_named(SLUG), filters, unmasked=True)


@pytest.mark.parametrize("path", ["/static/no-such.css", "/static/x", "/static/../../config.py"])
def test_no_file_but_those_of_the_static_folder_is_sent(world: World, path: str) -> None:
    assert world.open(path, S.STRANGER).response.status_code == 404


def test_the_preview_of_a_mail_that_nobody_gets_is_not_there(world: World) -> None:
    row = next(row for row in ROWS if row.endpoint == "organizer.reminder_body")
    assert world.ask(row, S.OWNER, query="?language=xx").response.status_code == 404


@pytest.mark.parametrize("row", DRAFTED, ids=rows_named)
def test_a_draft_is_there_for_its_organizers_alone(drafted: World, row: Row) -> None:
    for subject in Subject:
        answer = drafted.ask(row, subject)
        assert (subject, answer.response.status_code == 404) == (subject, subject not in SEEING)
        if subject not in SEEING:
            missing = drafted.ask(row, subject, **drafted.missing)
            assert (answer.body, answer.kept) == (missing.body, False)
        else:
            assert "no-store" in answer.response.headers["Cache-Control"]


def test_a_draft_stands_in_no_list_and_behind_no_proof(drafted: World) -> None:
    for subject in Subject:
        assert SLUG not in drafted.open("/", subject).body
    proof = next(row for row in ROWS if row.endpoint == "signup.prove_page")
    assert drafted.ask(proof, S.UNPROVED).response.status_code == 404


@pytest.mark.parametrize("row", [row for row in ROWS if row.method == "POST"], ids=rows_named)
def test_a_form_with_authority_needs_its_token(world: World, row: Row) -> None:
    for subject in row.allowed:
        answer = world.ask(row, subject, token=False)
        if row.token:
            assert (subject, answer.response.status_code, answer.kept) == (subject, 400, False)
        else:
            assert (subject, world.outcome(row, subject, answer)) == (subject, Outcome.ALLOWED)


@pytest.mark.parametrize("row", [row for row in BY_LINK if "{key}" in row.path], ids=rows_named)
def test_a_key_opens_what_its_kind_is_for_and_nothing_else(world: World, row: Row) -> None:
    """Somebody's own keys of all kinds, and each of them as it was before it was renewed."""
    kind = {"prove": "prove", "my": "manage", "feeds": "feed", "unsubscribe": "unsubscribe"}[row.path.split("/")[1]]
    with world.app.app_context():
        amina = registrations(AMINA)[0]
        keys = {one.value: key_for(amina, one) for one in LinkKind}
        amina.manage_generation += 1
        amina.feed_generation += 1
        later = {f"later {one.value}": key_for(amina, one) for one in (LinkKind.MANAGE, LinkKind.FEED)}
        db.session.rollback()
    opened = [
        name
        for name, key in {**keys, **later}.items()
        if world.ask(row, S.STRANGER, key=key).response.status_code != 404
    ]
    assert opened == [kind]


@ROW
def test_the_same_holds_on_postgresql(on_postgresql: World, row: Row) -> None:
    """Somebody who may and somebody who may not, others from row to row."""
    number = ROWS.index(row)
    may = [subject for subject in Subject if subject in row.allowed]
    may_not = [subject for subject in Subject if subject not in row.allowed]
    for subjects in (may, may_not):
        if subjects:
            subject = subjects[number % len(subjects)]
            answer = on_postgresql.ask(row, subject)
            assert on_postgresql.outcome(row, subject, answer) == row.expected(subject)
            assert on_postgresql.leaks(subject, answer) == set()


def test_the_table_and_the_rules_say_the_same_of_each_role(world: World) -> None:
    """Every page of an event at the desk names its action, so that nobody writes a guard by hand."""
    views = world.app.view_functions
    for row in OF_AN_EVENT:
        roles = {ROLES[subject] for subject in row.allowed if subject in ROLES}
        assert (row.name, roles) == (row.name, ALLOWED[views[row.endpoint].action])  # type: ignore[attr-defined]


def _methods_of(path: str) -> set[str]:
    """The methods that rows allow at an address."""
    named = {row.method for row in PATHS[path]}
    return {"OPTIONS", *named, *({"HEAD"} if "GET" in named else ())}


def _is_of_another_row(world: World, path: str, method: str) -> bool:
    """Whether an address is also of the shape of another row, which takes the method: /my/cancel/ looks like a key."""
    with world.app.test_request_context() as context:
        assert context.url_adapter
        return bool(context.url_adapter.test(path, method))


def _set_state(app: Flask, state: EventState) -> None:
    with app.app_context(), writing():
        found = update(Event).where(Event.slug == SLUG)
        db.session.execute(found.values(state=state, version=Event.version + 1))
