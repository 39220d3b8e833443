"""The organizer's own words in a mail: in the reader's language, the placeholders filled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from registration.domain.wording import Piece, filled, pieces
from registration.mail.reader import Reader
from registration.models.types import Texts
from registration.text import in_language

ADDRESSES = frozenset({"watch_page", "event_page", "own_page"})
"""The placeholders that are links."""


class OwnWords(NamedTuple):
    """What templates show. `language`: the one these words are in, which need not be the reader's."""

    subject: str
    text: str
    pieces: list[Piece]
    language: str

    def is_link(self, piece: Piece) -> bool:
        """Whether a piece is an address of ours. What somebody typed never becomes a link."""
        return piece.placeholder in ADDRESSES


def own_words(reader: Reader, subject: Texts, text: Texts, values: Mapping[str, str]) -> OwnWords | None:
    """Return an organizer's subject and text for this reader, in one language for both.

    None where there are no such words, and for discreet readers: they would tell of the event.
    """
    if reader.discreet or not text:
        return None
    chosen = in_language({tag: tag for tag in text if text[tag]}, reader.registration.language,
                         reader.registration.event.default_language)  # fmt: skip
    if not chosen:
        return None
    return OwnWords(
        subject=filled(subject.get(chosen, ""), values),
        text=filled(text[chosen], values),
        pieces=pieces(text[chosen], values),
        language=chosen,
    )
