"""Text that is kept per language, on a page of one language: what falls back to another says so to the browser."""

from __future__ import annotations

from flask import g
from markupsafe import Markup

from registration.text import in_language
from registration.web.display import direction, page_language, paragraphs


def tongue(texts: dict[str, str]) -> Markup:
    """Return the attributes ` lang="..." dir="..."` for a text that is not in the page's language, else nothing."""
    page = page_language()
    if not texts or texts.get(page) or texts.get(page.partition("-")[0]):
        return Markup("")
    shown = in_language(texts, page, g.get("language") or "en")
    language = next((tag for tag, text in texts.items() if text == shown), "")
    return Markup(' lang="{}" dir="{}"').format(language, direction(language)) if language else Markup("")


def prose(texts: dict[str, str]) -> Markup:
    """Return a text of several paragraphs as HTML, each in the language it is in."""
    page = in_language(texts, page_language(), g.get("language") or "en")
    return Markup(paragraphs(page).replace("<p>", f"<p{tongue(texts)}>"))
