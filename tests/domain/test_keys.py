"""The keyring: sealed values bound to their row, and keys in links that open one thing for one person."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import SealKey
from registration.keys import KEY_LENGTH, Keys, SealError, new_public_id, public_id_of

OLD, NEW = SealKey("k1", bytes(range(32))), SealKey("k2", bytes(range(32, 64)))
SECRET = "only-for-tests-" * 3
KEYS = Keys(SECRET, (OLD,))
PERSON = "A" * 22

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_what_is_sealed_comes_back(value: object) -> None:
    assert KEYS.open(KEYS.seal(value, "registration/x"), "registration/x") == value


def test_a_sealed_value_shows_nothing_and_is_never_the_same() -> None:
    first, second = KEYS.seal({"name": "Amina"}, "r/1"), KEYS.seal({"name": "Amina"}, "r/1")
    assert first != second
    assert b"Amina" not in first


def test_a_sealed_value_opens_in_its_own_row_alone() -> None:
    sealed = KEYS.seal("Amina", "registration/1")
    with pytest.raises(SealError):
        KEYS.open(sealed, "registration/2")


@given(st.integers(0, 44), st.integers(1, 255))
def test_a_sealed_value_that_was_touched_does_not_open(place: int, difference: int) -> None:
    sealed = bytearray(KEYS.seal("Amina", "registration/1"))
    sealed[place % len(sealed)] ^= difference
    with pytest.raises(SealError):
        KEYS.open(bytes(sealed), "registration/1")


@pytest.mark.parametrize("sealed", [b"", b"k1", b"k1:", b"k1:short", b"k9:" + bytes(40), b"\xff" * 60])
def test_what_was_never_sealed_does_not_open(sealed: bytes) -> None:
    with pytest.raises(SealError):
        KEYS.open(sealed, "registration/1")


def test_a_new_key_seals_and_the_old_one_still_opens() -> None:
    old = KEYS.seal("Amina", "r/1")
    rotated = Keys(SECRET, (NEW, OLD))
    assert rotated.open(old, "r/1") == "Amina"
    new = rotated.seal("Amina", "r/1")
    assert new.startswith(b"k2:")
    with pytest.raises(SealError):
        KEYS.open(new, "r/1")


def test_a_link_key_fits_one_kind_one_person_and_one_generation() -> None:
    key = KEYS.link_key("manage", PERSON, 0)
    assert KEYS.fits(key, "manage", PERSON, 0)
    others = [("prove", PERSON, 0), ("manage", "B" * 22, 0), ("manage", PERSON, 1)]
    assert [KEYS.fits(key, kind, person, generation) for kind, person, generation in others] == [False] * 3
    assert not Keys("another-secret-" * 3, (OLD,)).fits(key, "manage", PERSON, 0)


def test_a_link_key_is_the_persons_id_and_128_bits_of_proof() -> None:
    key = KEYS.link_key("manage", PERSON, 0)
    assert (len(key), key[:22], public_id_of(key)) == (KEY_LENGTH, PERSON, PERSON)
    assert set(key) <= set(string.ascii_letters + string.digits + "-_")


@given(st.text(max_size=60))
def test_what_is_no_key_belongs_to_nobody(text: str) -> None:
    assert public_id_of(text) == ""
    assert not KEYS.fits(text.encode(errors="replace").decode(), "manage", PERSON, 0)


@pytest.mark.parametrize("key", ["\0" * 44, "A" * 43, "A" * 45, "A" * 43 + "=", "A" * 43 + "é", "A" * 44 + "\n"])
def test_what_nearly_looks_like_a_key_belongs_to_nobody(key: str) -> None:
    assert public_id_of(key) == ""


def test_an_address_is_found_by_a_hash_that_needs_the_secret() -> None:
    found = KEYS.address_hash("amina@example.org")
    assert found == KEYS.address_hash("amina@example.org")
    assert len(found) == 32
    assert found != KEYS.address_hash("other@example.org")
    assert found != Keys("another-secret-" * 3, (OLD,)).address_hash("amina@example.org")


def test_a_digest_is_for_one_purpose() -> None:
    assert KEYS.digest("claim", "x") != KEYS.digest("message-id", "x")
    assert KEYS.digest("a", "b\0c") == KEYS.digest("a", "b\0c")


def test_public_ids_are_random() -> None:
    ids = {new_public_id() for _number in range(1000)}
    assert len(ids) == 1000
    assert {len(one) for one in ids} == {22}
