"""Keys in links: each kind opens its own addresses alone, and none but the one that is good now."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from registration import clock as app_clock
from registration.domain import accounts
from registration.domain.link_keys import LinkKind
from registration.extensions import Base, db, keyring, writing
from registration.models import Organizer
from registration.models.organizer import Role
from tests.support.client import Client
from tests.support.dialogue import AMINA, load_dialogue, registrations, sign_up_by_rule, take_part_by_rule
from tests.support.keys import DOORS, PASSWORD, Door, keys_of, password_key

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
BORIS = "boris@example.org"
ODA = "oda@example.org"
KINDS = [*(kind.value for kind in LinkKind), PASSWORD]
NOBODYS = "A" * 44
SECOND = 1
"""The generation that is good: each key was renewed once."""


@pytest.fixture
def keys(app: Flask) -> dict[str, str]:
    """The good keys by their kinds: of Amina, whose address is to be proved, and of Oda, who sets a password. Boris
    has some too, and all have older ones that are renewed."""
    load_dialogue(app)
    with app.app_context():
        now = app_clock.now()
        sign_up_by_rule(AMINA, now=now)
        take_part_by_rule(BORIS, now=now)
        with writing():
            accounts.add_organizer(ODA, Role.OWNER, None, now=now)
            for person in (registrations(AMINA)[0], registrations(BORIS)[0]):
                for kind in ("manage", "feed", "unsubscribe"):
                    setattr(person, f"{kind}_generation", SECOND)
    return {**keys_of(app, AMINA), PASSWORD: password_key(app, ODA)}


def ask(app: Flask, door: Door, key: str) -> TestResponse:
    """Try a key, as somebody without cookies."""
    return app.test_client().open(door.path.format(key), method=door.method)


def wrong_keys(app: Flask, door: Door, keys: dict[str, str]) -> list[tuple[str, str]]:
    """All that is like the good key of a door and is not, each with what it is."""
    good, others = keys[door.kind], keys_of(app, BORIS)
    return [
        *((f"of {kind}", keys[kind]) for kind in KINDS if kind != door.kind),
        *made_wrong(app, door.kind, good),
        ("another's proof", good[:22] + others["manage"][22:]),
        ("another's id", others["manage"][:22] + good[22:]),
        ("cut", good[:-1]),
        ("cut at the front", good[1:]),
        ("the id alone", good[:22]),
        ("twice", good * 2),
        ("longer", f"{good}A"),
        ("longer at the front", f"A{good}"),
        ("other case", good.swapcase()),
        ("lower case", good.lower()),
        ("last changed", good[:-1] + ("A" if good[-1] != "A" else "Q")),
    ]


def made_wrong(app: Flask, kind: str, good: str) -> list[tuple[str, str]]:
    """Keys that our own secret made, of other generations and of nobody."""
    owner = good[:22]
    with app.app_context():
        generations = [(f"generation {one}", keyring.keys.link_key(kind, owner, one)) for one in range(4)]
        nobodys = ("of a row that is gone", keyring.keys.link_key(kind, "B" * 22, 0))
    assert good in dict(generations).values()
    return [*(one for one in generations if one[1] != good), nobodys]


def rows(app: Flask) -> dict[str, list[Any]]:
    """All that the database holds."""
    with app.app_context():
        tables = Base.metadata.sorted_tables
        return {str(table): sorted(map(repr, db.session.execute(select(table)))) for table in tables}


@SQLITE
def test_every_address_that_takes_a_key_is_tried(app: Flask) -> None:
    takes_one = {rule.endpoint for rule in app.url_map.iter_rules() if "key" in rule.arguments}
    assert takes_one == {door.endpoint for door in DOORS}


def test_the_good_key_of_each_kind_opens_its_addresses(app: Flask, keys: dict[str, str]) -> None:
    answers = [(door, ask(app, door, keys[door.kind]).status_code) for door in DOORS]
    assert [(door.path, status) for door, status in answers] == [(door.path, door.status) for door in DOORS]


@SQLITE
def test_any_other_key_is_refused_in_the_words_for_a_wrong_one_and_changes_nothing(
    app: Flask, keys: dict[str, str]
) -> None:
    before = rows(app)
    for door in DOORS:
        expected = ask(app, door, NOBODYS)
        assert (door.path, expected.status_code) == (door.path, 404)
        for what, wrong in wrong_keys(app, door, keys):
            answer = ask(app, door, wrong)
            told = answer.text.replace(wrong, NOBODYS)
            assert (door.path, what, answer.status_code, told) == (door.path, what, 404, expected.text)
            assert (door.path, what, answer.headers.get("Set-Cookie")) == (door.path, what, None)
    assert rows(app) == before


@SQLITE
def test_a_key_as_the_cookie_of_the_own_page_opens_it_for_its_kind_alone(app: Flask, keys: dict[str, str]) -> None:
    own = next(door for door in DOORS if door.kind == LinkKind.MANAGE)
    visitor = app.test_client(use_cookies=False)
    cookies = [("good", keys[LinkKind.MANAGE]), *wrong_keys(app, own, keys)]
    statuses = {what: visitor.get("/my/", headers={"Cookie": f"__Host-my={key}"}).status_code for what, key in cookies}
    assert statuses == {what: 200 if what == "good" else 404 for what, _key in cookies}


def test_opening_a_link_changes_nothing_however_often_scanners_do(app: Flask, keys: dict[str, str]) -> None:
    before = rows(app)
    for door, method in itertools.product(DOORS, ["GET", "HEAD"] * 2):
        visitor = app.test_client()
        visitor.open(door.path.format(keys[door.kind]), method=method, follow_redirects=True)
    assert rows(app) == before


def test_keys_of_an_erased_person_and_of_a_gone_account_open_nothing(app: Flask, keys: dict[str, str]) -> None:
    with app.app_context(), writing():
        db.session.delete(registrations(AMINA)[0])
        db.session.delete(db.session.query(Organizer).one())
    statuses = {door.path: ask(app, door, keys[door.kind]).status_code for door in DOORS}
    assert statuses == {door.path: 404 for door in DOORS}


@SQLITE
def test_what_proved_an_address_opens_nothing_of_the_person_afterwards(
    app: Flask, client: Client, keys: dict[str, str]
) -> None:
    link = f"/prove/{keys[LinkKind.PROVE]}/"
    assert client.post(link).status_code == 303
    page = app.test_client().get(link)
    assert (page.status_code, "Amina" in page.text, AMINA in page.text) == (200, False, False)
    assert app.test_client().post(link).status_code == 409


@SQLITE
def test_the_key_of_a_password_stands_in_no_address_after_the_first(app: Flask, keys: dict[str, str]) -> None:
    visitor = app.test_client()
    assert isinstance(visitor, Client)
    answer = visitor.get(f"/organizer/password/{keys[PASSWORD]}/")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/organizer/password/")
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    page = visitor.page("/organizer/password/")
    assert page.heading == "Set your password"
    assert keys[PASSWORD] not in page.html.decode()
