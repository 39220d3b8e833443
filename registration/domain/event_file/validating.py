"""What the JSON Schema says about a file, each fault as a sentence for people."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from registration.domain.event_file.faults import Fault
from registration.domain.event_file.formats import format_checker
from registration.domain.event_file.reading import Document
from registration.errors import Refusal, plain

SCHEMA_PATH = Path(__file__).with_name("event-file.schema.json")

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
    "^[a-z0-9]+(-[a-z0-9]+)*$": _l(
        "Use only small letters a to z, digits and single hyphens, as “civil-society”."
    ),
    "^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$": _l("This is no language tag; write it as en, fr or zh."),
    "^[^\\n]*$": _l("This must be one line; write it without line breaks."),
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}$": _l("Write the time as 2021-05-25 10:00."),
    "^[a-z][a-z0-9_]*$": _l("Use only small letters a to z, digits and underscores, as “ecosoc_status”."),
}


def schema_faults(document: Document) -> Iterator[Fault]:
    """Yield everything in which a file differs from the schema."""
    language = document.root.get("language") if isinstance(document.root, dict) else None
    validator = Draft202012Validator(_schema(), format_checker=format_checker(language))
    for error in validator.iter_errors(document.root):
        yield from _faults(document, error)


@cache
def _schema() -> Any:
    return json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))


def _faults(document: Document, error: ValidationError) -> Iterator[Fault]:
    path = tuple(error.absolute_path)
    if error.validator == "required":
        for name in error.validator_value:
            if name not in error.instance:
                yield document.fault((*path, name), _l("This is missing; add it."))
    elif error.validator == "additionalProperties":
        known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
        for name in error.instance.keys() - known.keys():
            yield document.fault((*path, name), _unknown(name, list(known)))
    elif "propertyNames" in error.absolute_schema_path:
        yield document.fault((*path, error.instance), PATTERNS["^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"])
    else:
        yield document.fault(path, SENTENCES[str(error.validator)](error))


def _unknown(name: str, known: list[str]) -> LazyString:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return _l("There is no such name here; did you mean “%(near)s”?", near=near[0])
    return _l("There is no such name here; remove it.")


def _type(error: ValidationError) -> LazyString:
    expected = error.validator_value
    return TYPES[expected if isinstance(expected, str) else " ".join(expected)]


def _choice(error: ValidationError) -> LazyString:
    return _l(
        "“%(value)s” is not possible here; choose one of: %(choices)s.",
        value=plain(error.instance),
        choices=", ".join(error.validator_value),
    )


def _format(error: ValidationError) -> LazyString | str:
    return error.cause.sentence if isinstance(error.cause, Refusal) else str(error.cause)


SENTENCES: dict[str, Callable[[ValidationError], LazyString | str]] = {
    "type": _type,
    "enum": _choice,
    "format": _format,
    "pattern": lambda error: PATTERNS[str(error.validator_value)],
    "minLength": lambda error: _l("This is empty; write something, or leave the name out."),
    "maxLength": lambda error: _l(
        "This is too long; use at most %(limit)d characters.", limit=error.validator_value
    ),
    "minItems": lambda error: _l("This list is empty; give it an entry."),
    "uniqueItems": lambda error: _l("Something stands twice in this list; name each once."),
    "minProperties": lambda error: _l("This is empty; write something, or leave the name out."),
    "minimum": lambda error: _l("This is too small; the least is %(limit)d.", limit=error.validator_value),
    "maximum": lambda error: _l("This is too large; the most is %(limit)d.", limit=error.validator_value),
}
"""One for each keyword the schema uses."""
