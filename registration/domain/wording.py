"""Words that organizers write for mails, with named placeholders: {name}, {session}.

Placeholders are names and nothing else: what stands in for one is put in as it is and never read again, so that
nothing a person typed is ever a template.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from string import Formatter
from typing import NamedTuple

from flask_babel import lazy_gettext as _l

from registration.errors import Refusal

REMINDER_PLACEHOLDERS = ("name", "event", "session", "time", "watch_page", "own_page")
REMINDER_SUBJECT_PLACEHOLDERS = ("name", "event", "session", "time")
"""No links: mail servers write subjects into their logs."""
ANNOUNCEMENT_PLACEHOLDERS = ("name", "event", "event_page", "own_page")


class Piece(NamedTuple):
    """A part of the finished words: `text`, and which placeholder it stands for ("" where it was typed)."""

    text: str
    placeholder: str = ""


def check(words: str, known: Collection[str], field: str | None = None) -> None:
    """Raise Refusal, beside `field`, where the words hold a placeholder that is not known, or a brace that is none."""
    for name in _placeholders(words, field):
        if name not in known:
            raise Refusal(
                _l(
                    "There is no placeholder “{%(name)s}”; there are %(known)s.",
                    name=name,
                    known=", ".join(f"{{{one}}}" for one in known),
                ),
                field,
            )


def pieces(words: str, values: Mapping[str, str]) -> list[Piece]:
    """Return the words with the placeholders' values in their places. `check` has let the words in."""
    found: list[Piece] = []
    for literal, name, _spec, _conversion in Formatter().parse(words):
        if literal:
            found.append(Piece(literal))
        if name is not None:
            found.append(Piece(values[name], name))
    return found


def filled(words: str, values: Mapping[str, str]) -> str:
    """Return the finished words as text."""
    return "".join(piece.text for piece in pieces(words, values))


def _placeholders(words: str, field: str | None) -> Iterator[str]:
    """Yield the names between braces; a brace that is meant is written twice (as `str.format` has it)."""
    try:
        parsed = list(Formatter().parse(words))
    except ValueError:
        raise Refusal(
            _l("A brace stands alone here; write a placeholder as {name}, and a brace that is meant twice: {{ or }}."),
            field,
        ) from None
    for _literal, name, spec, conversion in parsed:
        if name is not None:
            yield f"{name}{'!' + conversion if conversion else ''}{':' + spec if spec else ''}"
