"""The shapes of what may stand in an address; anything else is no page of ours."""

from __future__ import annotations

from flask import Flask
from werkzeug.routing import BaseConverter


class SlugConverter(BaseConverter):
    """The name of an event, session or category."""

    regex = r"[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?"


class KeyConverter(BaseConverter):
    """A key in a personal link: longer and shorter ones get as far as the rule that compares, and fail there."""

    regex = r"[A-Za-z0-9_-]{1,100}"


def init_app(app: Flask) -> None:
    """Make the converters known; before any blueprint is registered."""
    app.url_map.converters["slug"] = SlugConverter
    app.url_map.converters["key"] = KeyConverter
