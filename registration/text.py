"""Text that people read, kept per language: choosing, and what may stand in it."""

from __future__ import annotations

import re
import unicodedata

BIDI_CONTROLS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_FORBIDDEN = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff{BIDI_CONTROLS}\u2028\u2029]")
_BLANK_LETTERS = "\u115f\u1160\u2800\u3164\uffa0"
"""Fillers of Hangul and the empty pattern of Braille: letters and symbols to Unicode, nothing to the eye."""
_LINE_BREAKS = re.compile(r"\r\n|[\r\n\u2028\u2029\x85\x0b\x0c]")


def in_language(texts: dict[str, str], language: str, default: str = "en") -> str:
    """Return the text in `language`, else in its base language, the default, English, or whatever there is."""
    for tag in (language, language.partition("-")[0], default, "en"):
        if texts.get(tag):
            return texts[tag]
    return next((text for text in texts.values() if text), "")


def clean_line(typed: str) -> str:
    """Return a one-line value in NFC with outer and doubled spaces gone. Tabs and line breaks count as spaces."""
    return " ".join(unicodedata.normalize("NFC", typed).split())


def clean_lines(typed: str) -> str:
    """Return a value of several lines in NFC, with LF as the only line break."""
    return _LINE_BREAKS.sub("\n", unicodedata.normalize("NFC", typed)).strip()


def is_writable(typed: str) -> bool:
    """Whether every database, mail, calendar and spreadsheet can hold this: no control characters (but tab and
    newline), no lone surrogates, nothing that turns the direction of the text around it."""
    return _FORBIDDEN.search(typed) is None


def is_visible(typed: str) -> bool:
    """Whether there is anything to see in this: a character that is no space, no control or format character, and no
    mark that stands on another one."""
    return any(unicodedata.category(one)[0] not in "CMZ" and one not in _BLANK_LETTERS for one in typed)
