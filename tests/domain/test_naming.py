"""Names of whom was erased, taken out of what organizers wrote."""

from __future__ import annotations

import pytest

from registration.domain import naming
from registration.domain.personal import Personal

CALLED = naming.words_of(
    [Personal(name="Amina B. Okafor", address="Amina@Example.org"), Personal(name="أمينة", address="a@example.org")],
    ["Zénobia O'Hara-Example", "张伟", "张伟明", "𠮷田"],
)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Visa letter for Ms Okafor", "Visa letter for Ms …"),
        ("To call AMINA, today", "To call …, today"),
        ("zenobia o'hara-example; أمينة", "… …; …"),
        ("Sent to amina@example.org.", "Sent to …"),
        ("B. is a letter, Aminata somebody else", "B. is a letter, Aminata somebody else"),
        ("For the badges", "For the badges"),
        ("给张伟的签证信", "给…的签证信"),
        ("给张伟明的签证信", "给…的签证信"),
        ("给𠮷田的签证信", "给…的签证信"),
        ("张 is a letter of others too", "张 is a letter of others too"),
        ("", ""),
    ],
)
def test_whole_words_go_and_the_rest_stays(text: str, left: str) -> None:
    assert naming.without(text, CALLED) == left


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("okaf", True),
        ("Amina Nobody", True),
        ("amina@example.org", True),
        ("b", False),
        ("张伟", True),
        ("rivers", False),
        ("", False),
    ],
)
def test_a_search_names_by_the_beginning_of_a_word(search: str, found: bool) -> None:
    assert naming.finds(search, CALLED) is found


def test_who_is_called_by_one_letter_blanks_nothing() -> None:
    called = naming.words_of([Personal(name="e", address="e@example.org")])
    assert naming.without("Everybody else, e too", called) == "Everybody else, e too"
