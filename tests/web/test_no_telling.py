"""Nobody learns from an answer who is registered: the same status, headers, words, and work in the database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import delete, event, update
from werkzeug.test import TestResponse

from registration.domain import accounts, passwords, second_factor, stopped
from registration.domain.personal import address_hash
from registration.domain.proofs import PROOF_TIME
from registration.extensions import db, writing
from registration.models import Registration
from registration.models.organizer import Role
from registration.models.registration import RegistrationState as State
from tests.support.client import Client
from tests.support.clock import START, FakeClock
from tests.support.dialogue import (
    FIND,
    REGISTER,
    answers,
    empty_tray,
    link_in,
    load_dialogue,
    sign_up_by_rule,
    take_part_by_rule,
    work,
)
from tests.support.organizers import PASSWORD, make_organizer, set_password, started_session
from tests.support.smtp import MailServer

SIGN_IN = "/organizer/sign-in/"
IN_STATE = {
    "review": State.IN_REVIEW,
    "waiting": State.WAITING,
    "confirmed": State.CONFIRMED,
    "declined": State.DECLINED,
    "cancelled": State.CANCELLED,
}
KNOWN = ["unknown", "unverified", *IN_STATE, "erased", "stopped"]
"""What there may be to know of an address; each is that of one person."""


class Told(NamedTuple):
    """All that whoever asks can see of an answer, and what it took to make it."""

    status: int
    headers: list[tuple[str, str]]
    body: str
    work: list[str]


@pytest.fixture
def people(app: Flask, now: datetime) -> None:
    """Somebody of each kind."""
    load_dialogue(app)
    with app.app_context():
        sign_up_by_rule(address_of("unverified"), now=now)
        for name, state in IN_STATE.items():
            number = take_part_by_rule(address_of(name), now=now)
            with writing():
                db.session.execute(update(Registration).where(Registration.id == number).values(state=state))
        erased = take_part_by_rule(address_of("erased"), now=now)
        take_part_by_rule(address_of("stopped"), now=now)
        with writing():
            db.session.execute(delete(Registration).where(Registration.id == erased))
            stopped.stop(address_hash(address_of("stopped")), "5.1.1", now=now)


def address_of(name: str) -> str:
    return f"{name}@example.org"


@contextmanager
def recorded(app: Flask) -> Iterator[list[str]]:
    """What the database is asked meanwhile, without the values."""
    statements: list[str] = []

    def asked(_connection: object, _cursor: object, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    def ended(_connection: object) -> None:
        statements.append("COMMIT")

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", asked)
    event.listen(engine, "commit", ended)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", asked)
        event.remove(engine, "commit", ended)


def told(app: Flask, path: str, visitor: Client | None = None, **data: object) -> Told:
    """Send a form, as a new visitor unless one is given."""
    visitor = visitor or app.test_client()
    with recorded(app) as statements:
        response = visitor.post(path, data=data)
    return Told(response.status_code, shown(response), response.text, statements)


def shown(response: TestResponse) -> list[tuple[str, str]]:
    return sorted((name, value) for name, value in response.headers if name != "Date")


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("category", ["youth", "experts"])
def test_a_sign_up_is_answered_the_same_whoever_has_the_address(app: Flask, category: str) -> None:
    path = f"{REGISTER}{category}/"
    app.test_client().post(path, data=answers(category, address="first@example.org"))
    for _time in range(2):
        found = {name: told(app, path, **answers(category, address=address_of(name))) for name in KNOWN}
        assert found == dict.fromkeys(KNOWN, found["unknown"])
        assert empty_tray(app) >= len(KNOWN)
    assert found["unknown"].status == 303
    changes = [one for one in found["unknown"].work if not one.startswith("SELECT")]
    assert [" ".join(one.split()[:3]) for one in changes] == ["INSERT INTO submission", "COMMIT"]


@pytest.mark.usefixtures("people")
def test_who_asks_for_a_link_is_answered_the_same_whoever_has_the_address(app: Flask) -> None:
    app.test_client().post(FIND, data={"address": "first@example.org"})
    for _time in range(2):
        found = {name: told(app, FIND, address=address_of(name)) for name in KNOWN}
        assert found == dict.fromkeys(KNOWN, found["unknown"])
        assert empty_tray(app) >= len(KNOWN)
    assert found["unknown"].status == 303
    assert [one for one in found["unknown"].work if "FROM registration" in one] == []


@pytest.mark.usefixtures("people")
def test_one_who_asks_too_often_is_told_so_whoever_has_the_address(app: Flask) -> None:
    """Tries are counted by network, and by address whether or not it is known."""
    after = {}
    for number, name in enumerate(("unknown", "confirmed", "declined")):
        visitor = app.test_client()
        network = {"REMOTE_ADDR": f"10.0.0.{number}"}
        statuses = [
            visitor.post(FIND, data={"address": address_of(name)}, environ_overrides=network).status_code
            for _try in range(61)
        ]
        after[name] = (statuses.index(429), statuses[-1])
    assert set(after.values()) == {(20, 429)}


class CountingHasher(PasswordHasher):
    """Argon2 as it is, and how often it was asked."""

    verified = 0

    def verify(self, *arguments: Any, **settings: Any) -> Any:
        self.verified += 1
        return super().verify(*arguments, **settings)


def test_a_sign_in_that_fails_tells_nothing_of_the_account(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = CountingHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", hasher)
    load_dialogue(app)
    with app.app_context():
        make_organizer(address_of("without-password"), Role.OWNER)
        for name in ("disabled", "owner", "two-factors"):
            make_organizer(address_of(name), Role.OWNER)
            set_password(address_of(name))
        with writing():
            accounts.disable(accounts.organizer_with(address_of("disabled")))
            careful = accounts.organizer_with(address_of("two-factors"))
            second_factor.begin(started_session(careful, now=START), now=START)
            careful.factor_step = 0
    found: dict[str, Told] = {}
    counts: list[int] = []
    for name, password in (
        ("unknown", PASSWORD), ("without-password", PASSWORD), ("disabled", PASSWORD), ("owner", "another password"),
        ("two-factors", PASSWORD), ("two-factors", "another password"),
    ):  # fmt: skip
        visitor = app.test_client()
        token = visitor.page(SIGN_IN).form().values["csrf_token"]
        before = hasher.verified
        answer = told(app, SIGN_IN, visitor, address=address_of(name), password=password, csrf_token=token)
        counts.append(hasher.verified - before)
        found[f"{name}/{password}"] = answer._replace(
            body=without(answer.body, address_of(name)), headers=without_length(answer)
        )
    first = next(iter(found.values()))
    assert found == dict.fromkeys(found, first)
    assert first.status == 422
    assert counts == [1] * 6


def without(page: str, typed: str) -> str:
    """A page without what was typed, and without the token that is another in each."""
    return re.sub(r'name="csrf_token"[^>]*>', "", page.replace(typed, ""))


def without_length(answer: Told) -> list[tuple[str, str]]:
    return [(name, value) for name, value in answer.headers if name not in ("Content-Length", "Set-Cookie")]


def test_a_link_that_is_over_says_nothing_that_a_made_up_one_does_not(
    app: Flask, client: Client, smtp: MailServer, clock: FakeClock
) -> None:
    """Of whom a link was is known to whoever has it, and to nobody else."""
    load_dialogue(app)
    client.post(f"{REGISTER}youth/", data=answers())
    work(app)
    link = link_in(smtp.mails[-1], "/prove/")
    made_up = f"{link[:-5]}AAAA/"
    assert client.get(link).status_code == 200
    wrong = client.get(made_up)
    clock.advance(PROOF_TIME)
    work(app)
    over = client.get(link)
    nobodys = client.get(f"/prove/{'A' * 44}/")
    assert (wrong.status_code, shown(wrong), wrong.data) == (over.status_code, shown(over), over.data)
    assert (wrong.status_code, shown(wrong), wrong.data) == (404, shown(nobodys), nobodys.data)
