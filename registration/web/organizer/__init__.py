"""The organizer's desk."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("organizer", __name__, url_prefix="/organizer")


@blueprint.get("/")
def home() -> str:
    """Placeholder until the pages are there."""
    return ""


@blueprint.get("/sign-in/")
def sign_in() -> str:
    """Placeholder until the pages are there."""
    return ""


@blueprint.get("/password/<key:key>/")
def password(key: str) -> str:
    """Placeholder until the pages are there."""
    return key
