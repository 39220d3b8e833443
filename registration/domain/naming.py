"""Words that name somebody, taken out of what organizers wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable

from registration.domain.attendees import folded
from registration.domain.personal import Personal

SHORTEST = 3
"""Shorter words name nobody: anybody who is called so could blank half a book."""
GONE = "…"
_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U000323af]{2,}")
"""A name in Chinese characters: two are enough, and no space sets it off from the sentence it stands in."""
_WORD = re.compile(r"\S+@\S+|[\w'’-]+")


def words_of(people: Iterable[Personal], others: Iterable[str] = ()) -> frozenset[str]:
    """Return what people are called, by words, folded; and their mail addresses. `others`: more names of theirs."""
    known = list(people)
    names = " ".join([*(one.name for one in known), *others])
    words = {folded(one) for one in _WORD.findall(names)}
    named = {one for one in words if len(one) >= SHORTEST or _HAN.fullmatch(one)}
    return frozenset(named | {one.address.lower() for one in known})


def without(text: str, called: frozenset[str]) -> str:
    """Return a text in which each word that is a name is an ellipsis."""
    for name in sorted(filter(_HAN.fullmatch, called), key=len, reverse=True):
        text = text.replace(name, GONE)
    return _WORD.sub(lambda found: GONE if folded(found[0]).strip(".,;:<>") in called else found[0], text)


def finds(search: str, called: frozenset[str]) -> bool:
    """Whether a search looks for somebody who is called so: by a whole word, or the beginning of one."""
    words = [one for one in folded(search).split() if len(one) >= SHORTEST or _HAN.fullmatch(one)]
    return any(name.startswith(word) for name in called for word in words)
