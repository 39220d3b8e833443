"""The second factor by the rules alone: which code opens an account, and that each does so once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pyotp
import pytest
from flask import Flask
from sqlalchemy import text

from registration.domain import accounts, second_factor
from registration.errors import Refusal
from registration.extensions import db, keyring, writing
from registration.models import Organizer, OrganizerSession
from registration.models.organizer import Role
from tests.support.dialogue import load_dialogue
from tests.support.organizers import PASSWORD, make_organizer, set_password, started_session

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
OWNER = "owner@example.org"
STEP = timedelta(seconds=30)
WRONG = "Address, password and code do not fit"


@pytest.fixture
def organizer(app: Flask, context: None) -> Organizer:
    load_dialogue(app)
    made = make_organizer(OWNER, Role.OWNER)
    set_password(OWNER)
    return made


@pytest.fixture
def session(organizer: Organizer, now: datetime) -> OrganizerSession:
    """Where the organizer has just signed in."""
    with writing():
        return started_session(organizer, now=now)


@pytest.fixture
def recovery(organizer: Organizer, session: OrganizerSession, now: datetime) -> list[str]:
    """The recovery codes of an account whose factor was switched on five minutes ago."""
    before = now - 10 * STEP
    with writing():
        second_factor.begin(session, now=before)
    with writing():
        return second_factor.confirm(session, shown(organizer, before), now=before)


def secret_of(organizer: Organizer) -> str:
    return str(keyring.keys.open(organizer.factor or b"", f"factor/{organizer.public_id}")["secret"])


def shown(organizer: Organizer, at: datetime) -> str:
    """What the app shows."""
    return pyotp.TOTP(secret_of(organizer)).at(at)


def take(organizer: Organizer, code: str, now: datetime) -> bool:
    with writing():
        return second_factor.use(organizer, code, now=now)


def test_codes_are_those_of_rfc_6238(organizer: Organizer) -> None:
    """Its appendix B, by six of the eight digits."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    organizer.factor = keyring.keys.seal({"secret": secret, "recovery": []}, f"factor/{organizer.public_id}")
    for seconds, code in ((59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")):
        organizer.factor_step = 0
        at = datetime.fromtimestamp(seconds, tz=datetime.now().astimezone().tzinfo)
        assert (seconds, second_factor.fits(organizer, code, now=at)) == (seconds, True)


@pytest.mark.usefixtures("recovery")
@pytest.mark.parametrize(("steps", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_differ_by_one_step(organizer: Organizer, now: datetime, steps: int, taken: bool) -> None:
    assert take(organizer, shown(organizer, now + steps * STEP), now) is taken


@pytest.mark.usefixtures("recovery")
def test_a_code_opens_once_and_none_before_it_opens_any_more(organizer: Organizer, now: datetime) -> None:
    earlier, code = shown(organizer, now - STEP), shown(organizer, now)
    assert [take(organizer, one, now) for one in (code, code, earlier)] == [True, False, False]
    assert take(organizer, shown(organizer, now + STEP), now + STEP)


@pytest.mark.usefixtures("recovery")
@pytest.mark.parametrize("code", ["", "000000", "12345", "١٢٣٤٥", "0" * 1000, "A" * 16, "\x00", "😀"])
def test_what_is_no_code_opens_nothing(organizer: Organizer, now: datetime, code: str) -> None:
    assert not second_factor.fits(organizer, code, now=now)
    assert not take(organizer, code, now)


def test_a_recovery_code_opens_once_however_it_is_typed(
    organizer: Organizer, now: datetime, recovery: list[str]
) -> None:
    assert len({*recovery}) == 10
    first, second = recovery[:2]
    typed = [first, first, f" {second.lower().replace('-', ' ')} "]
    assert [take(organizer, one, now) for one in typed] == [True, False, True]
    assert second_factor.recovery_codes_left(organizer) == 8


@SQLITE
@pytest.mark.usefixtures("recovery")
@pytest.mark.parametrize("zero", ["٠", "۰", "०", "０"])
def test_a_code_is_taken_in_the_digits_of_any_keyboard(organizer: Organizer, now: datetime, zero: str) -> None:
    code = "".join(chr(ord(zero) + int(one)) for one in shown(organizer, now))
    assert take(organizer, code, now)


@SQLITE
def test_it_is_in_force_once_a_code_was_typed(organizer: Organizer, session: OrganizerSession, now: datetime) -> None:
    with writing():
        second_factor.begin(session, now=now)
    assert accounts.check_sign_in(OWNER, PASSWORD, "", now=now) == organizer
    with pytest.raises(Refusal, match="This code does not fit"), writing():
        second_factor.confirm(session, "000000", now=now)
    with writing():
        second_factor.confirm(session, shown(organizer, now), now=now)
    with pytest.raises(Refusal, match=WRONG):
        accounts.check_sign_in(OWNER, PASSWORD, "", now=now)
    later = now + STEP
    assert accounts.check_sign_in(OWNER, PASSWORD, shown(organizer, later), now=later) == organizer
    with pytest.raises(Refusal, match=WRONG):
        accounts.check_sign_in(OWNER, "another password", shown(organizer, later), now=later)


@SQLITE
@pytest.mark.usefixtures("recovery")
def test_one_that_is_in_force_is_not_replaced(organizer: Organizer, session: OrganizerSession, now: datetime) -> None:
    secret = secret_of(organizer)
    with pytest.raises(Refusal, match="on already"), writing():
        second_factor.begin(session, now=now)
    with pytest.raises(Refusal, match="does not fit"), writing():
        second_factor.confirm(session, shown(organizer, now), now=now)
    assert secret_of(organizer) == secret


@SQLITE
def test_what_somebody_else_has_begun_is_never_confirmed(
    organizer: Organizer, session: OrganizerSession, now: datetime
) -> None:
    """They would hold the secret for good."""
    with writing():
        second_factor.begin(session, now=now)
        mine = started_session(organizer, now=now)
    assert second_factor.pending_secret(mine, now=now) == ""
    with pytest.raises(Refusal, match="does not fit"), writing():
        second_factor.confirm(mine, shown(organizer, now), now=now)
    before = secret_of(organizer)
    with writing():
        second_factor.begin(mine, now=now)
    assert second_factor.pending_secret(session, now=now) == ""
    assert second_factor.pending_secret(mine, now=now) == secret_of(organizer) != before


@SQLITE
@pytest.mark.parametrize(("minutes", "good"), [(14, True), (15, False)])
def test_one_that_was_begun_is_confirmed_within_a_quarter_of_an_hour(
    organizer: Organizer, session: OrganizerSession, now: datetime, minutes: int, good: bool
) -> None:
    with writing():
        second_factor.begin(session, now=now)
    later = now + timedelta(minutes=minutes)
    assert bool(second_factor.pending_secret(session, now=later)) is good


@SQLITE
@pytest.mark.parametrize("changed", ["password", "disabled", "factor"])
def test_what_changes_while_a_password_is_looked_at_counts(
    organizer: Organizer, session: OrganizerSession, now: datetime, changed: str
) -> None:
    found = accounts.check_sign_in(OWNER, PASSWORD, "", now=now)
    checked = found.password_hash
    with writing():
        second_factor.begin(session, now=now)
    with writing():
        if changed == "password":
            accounts.set_password(organizer, "another")
        elif changed == "disabled":
            accounts.disable(organizer)
        else:
            second_factor.confirm(session, shown(organizer, now), now=now)
    with pytest.raises(Refusal, match=WRONG), writing():
        accounts.start_session(found, checked, "", now=now)


@SQLITE
def test_neither_secret_nor_code_can_be_read_in_the_database(organizer: Organizer, recovery: list[str]) -> None:
    rows = str(db.session.execute(text("SELECT * FROM organizer")).all())
    secrets = [secret_of(organizer), *recovery, *(one.replace("-", "") for one in recovery)]
    assert [one for one in secrets if one in rows] == []
    kept = keyring.keys.open(organizer.factor or b"", f"factor/{organizer.public_id}")
    assert [one for one in secrets[1:] if one in str(kept)] == []


@pytest.mark.usefixtures("recovery")
@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_of_two_who_use_a_code_at_once_one_gets_in(
    app: Flask, organizer: Organizer, now: datetime, recovery: list[str], kind: str
) -> None:
    code = shown(organizer, now) if kind == "app" else recovery[0]
    db.session.rollback()
    start = Barrier(6)

    def sign_in(_who: int) -> bool:
        with app.app_context():
            found = accounts.check_sign_in(OWNER, PASSWORD, code, now=now)
            start.wait(30)
            return take(found, code, now)

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(sign_in, range(6))) == [*[False] * 5, True]
