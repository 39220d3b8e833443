"""Which passwords are taken."""

from __future__ import annotations

import pytest
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from registration.domain import passwords
from registration.errors import Refusal

OWNER = "owner@example.org"
GUESSABLE = [
    "Plenary-2026!", "Owner-12345678", "UnitedNations1945", "OWNER@EXAMPLE.ORG", "owner@example.org1",
    "example.org2026", "correcthorsebatterystaple", "qwertyuiop12", "1qaz2wsx3edc", "abababababab",
    "DialogueDialogue", "123456654321",
]  # fmt: skip


def is_taken(password: str) -> bool:
    try:
        passwords.refuse_bad(password, OWNER)
    except Refusal:
        return False
    return True


def test_the_three_thousand_that_are_used_most_are_refused() -> None:
    """Those of twelve characters and more: shorter ones are refused as they are (ASVS 5.0, 6.2.4)."""
    used_most = FREQUENCY_LISTS["passwords"][:3000]
    assert len(used_most) == 3000
    assert [one for one in used_most if is_taken(one) or is_taken(one.title())] == []


@pytest.mark.parametrize("password", GUESSABLE)
def test_what_anybody_would_try_first_is_refused(password: str) -> None:
    assert not is_taken(password)


@pytest.mark.parametrize(
    "password", [" lantern kettle ", "кириллица и слова", "kdjfhgkdjfgh", "aB3$xY9!kLm2", "灯笼在水下面有七个很安静的"]
)
def test_any_composition_that_is_hard_to_guess_is_taken(password: str) -> None:
    assert is_taken(password)


def test_an_address_without_letters_forbids_no_digits() -> None:
    passwords.refuse_bad("8301 5527 9046 1", "1984@12.example")
