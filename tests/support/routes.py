"""Every route of the application with an address that fits it, so that no test has to be told of a new one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flask import Flask
from werkzeug.routing import Rule

from tests.support.dialogue import SLUG

VALUES: dict[str, object] = {
    "event_slug": SLUG,
    "category_slug": "youth",
    "session_slug": "human-rights",
    "rule_slug": "day-before",
    "filename": "plenary.css",
    "key": "A" * 44,
    "name": "feed",
    "code": "A" * 22,
    "public_id": "A" * 22,
    "number": 1,
    "delivery_id": 1,
}
"""What stands in an address where a test does not say otherwise."""


def addresses(app: Flask, method: str, **values: object) -> Iterator[tuple[str, str]]:
    """(endpoint, path) of every route that takes a method."""
    for rule in app.url_map.iter_rules():
        if method in (rule.methods or ()):
            yield rule.endpoint, path_of(rule, values)


def path_of(rule: Rule, values: Mapping[str, object]) -> str:
    """The path of a route with these values in it."""
    known = {**{name: _any(rule, name) for name in rule.arguments}, **VALUES, **(rule.defaults or {}), **values}
    built = rule.build({name: known[name] for name in rule.arguments}, append_unknown=False)
    assert built, f"{rule} takes other values"
    return built[1]


def _any(rule: Rule, name: str) -> object:
    """A value for an argument that nobody has thought of here: a number where the route takes one."""
    return 1 if "<int" in rule.rule and f":{name}>" in rule.rule else "any"
