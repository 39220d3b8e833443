"""For machines that watch over us: alive, and ready (the database answers, the queue moves)."""

from __future__ import annotations

from flask import Blueprint
from sqlalchemy import text

from registration.extensions import db

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def alive() -> dict[str, str]:
    """Answer that this process lives."""
    return {"status": "alive"}


@blueprint.get("/readyz")
def ready() -> dict[str, str]:
    """Answer once the database and the outbox in it can be read; a database that fails gives 503."""
    db.session.execute(text("SELECT 1 FROM delivery LIMIT 1"))
    return {"status": "ready"}
