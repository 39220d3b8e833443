"""Refusals: what a rule answers when it may not do as asked.

A refusal carries one sentence for people, lazily translated, that says what is wrong and what to do. The edge shows
it beside the place where it went wrong.
"""

from __future__ import annotations

from typing import Any

from flask_babel import LazyString


class Refusal(Exception):
    """What was asked cannot be done. `field` names the form's or file's field it belongs to, if there is one."""

    def __init__(self, sentence: LazyString | str, field: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.field = field

    def __str__(self) -> str:
        return str(self.sentence)


class NotFound(Refusal):
    """There is no such thing, or whoever asks may not know of it: both look the same."""


def plain(value: Any) -> str:
    """Return `value` as one short line for a sentence: no line breaks, at most 80 characters."""
    text = " ".join(str(value).split())
    return text if len(text) <= 80 else f"{text[:79]}…"
