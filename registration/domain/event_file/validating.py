"""What the JSON Schema says about a file, each fault as a sentence for people."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from registration.domain.event_file.faults import Fault
from registration.domain.event_file.formats import format_checker
from registration.domain.event_file.reading import Document
from registration.errors import Refusal, plain

SCHEMA_PATH = Path(__file__).with_name("event-file.schema.json")

WALL = "^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}$"
LANGUAGE = "^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"
TYPES: dict[str, LazyString] = {
    "string": _l("Write a text here; put quotes around it if it is a number or a word like true."),
    "integer": _l("Write a whole number here."),
    "boolean": _l("Write true or false here."),
    "array": _l("Write a list here, each entry on a line of its own that begins with “- ”."),
    "object": _l("Write names and their values here, one below the other."),
    "string object": _l("Write a text here, or one per language (en: ..., fr: ...)."),
}
PATTERNS: dict[str, LazyString] = {
    "^#[^\\s#]+$": _l('Write a hashtag as "#Dialogue", in quotes and without spaces.'),
    "^[a-z0-9]+(-[a-z0-9]+)*$": _l("Use small letters a to z, digits and hyphens, as “civil-society”."),
    LANGUAGE: _l("This is no language tag; write it as en, fr or zh."),
    "^([01][0-9]|2[0-3]):[0-5][0-9]$": _l("Write a time of day as 18:00."),
    "^[^\\n]*$": _l("This must be one line; write it without line breaks."),
    "^[a-z][a-z0-9_]*$": _l("Use small letters a to z, digits and underscores, as “ecosoc_status”."),
}


def schema_faults(document: Document) -> Iterator[Fault]:
    """Yield everything in which a file differs from the schema."""
    language = document.root.get("language") if isinstance(document.root, dict) else None
    known = isinstance(language, str) and re.fullmatch(LANGUAGE, language)
    validator = Draft202012Validator(_schema(), format_checker=format_checker(language if known else None))
    for error in validator.iter_errors(document.root):
        yield from _faults(document, error)


@cache
def _schema() -> Any:
    return json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))


def _faults(document: Document, error: ValidationError) -> Iterator[Fault]:
    path = tuple(error.absolute_path)
    said, given = cast("Any", error.validator_value), cast("Any", error.instance)
    if error.validator == "required":
        for name in said:
            if name not in given:
                yield document.fault((*path, name), _l("This is missing; add it."))
    elif error.validator == "additionalProperties":
        known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
        for name in given.keys() - known.keys():
            yield document.fault((*path, name), _unknown(name, list(known)))
    elif error.validator == "pattern" and said == WALL:
        pass  # Its format refuses it too, and knows more.
    elif "propertyNames" in error.absolute_schema_path:
        yield document.fault((*path, given), PATTERNS[LANGUAGE])
    else:
        yield document.fault(path, SENTENCES[str(error.validator)](said, given, error))


def _unknown(name: str, known: list[str]) -> LazyString:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return _l("There is no such name here; did you mean “%(near)s”?", near=near[0])
    return _l("There is no such name here; remove it.")


def _choice(possible: list[str], given: object) -> LazyString:
    if not isinstance(given, str):
        return _l("Write one word here, one of: %(possible)s.", possible=", ".join(possible))
    return _l(
        "“%(given)s” is not possible here; choose one of: %(possible)s.",
        given=plain(given),
        possible=", ".join(possible),
    )


def _of_format(error: ValidationError) -> LazyString | str:
    return error.cause.sentence if isinstance(error.cause, Refusal) else str(error.cause)


EMPTY = _l("This is empty; write something, or leave the name out.")
SENTENCES: dict[str, Callable[[Any, Any, ValidationError], LazyString | str]] = {
    "type": lambda said, given, error: TYPES[said if isinstance(said, str) else " ".join(said)],
    "enum": lambda said, given, error: _choice(said, given),
    "not": lambda said, given, error: _l(
        "The pages use the word “%(slug)s” themselves; choose another slug.", slug=given
    ),
    "format": lambda said, given, error: _of_format(error),
    "pattern": lambda said, given, error: PATTERNS[said],
    "minLength": lambda said, given, error: EMPTY,
    "minProperties": lambda said, given, error: EMPTY,
    "maxLength": lambda said, given, error: _l("This is too long; use at most %(most)d characters.", most=said),
    "minItems": lambda said, given, error: _l("This list is empty; give it an entry."),
    "uniqueItems": lambda said, given, error: _l("Something stands twice in this list; name each once."),
    "minimum": lambda said, given, error: _l("This is too small; the least is %(least)d.", least=said),
    "maximum": lambda said, given, error: _l("This is too large; the most is %(most)d.", most=said),
}
"""One for each keyword of the schema, of what it says, what the file has, and the validator's error."""
