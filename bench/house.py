"""The Dialogue on a database of its own, for measuring."""

from __future__ import annotations

import base64
from datetime import datetime
from pathlib import Path

import flask_migrate
import pytz
from flask import Flask
from sqlalchemy import update

from config import ROOT, load_settings
from registration import create_app
from registration.domain.event_file import import_event
from registration.extensions import db, writing
from registration.models import Event

NOW = datetime(2027, 3, 1, 12, tzinfo=pytz.utc)
SLUG = "dialogue-next"


def house(folder: Path, *, mail_port: int = 25, database_url: str = "") -> Flask:
    """Return the application on a new database with the Dialogue, in which nobody is invited by mail.

    Its clock stands at NOW.
    """
    app = bound(folder, mail_port=mail_port, database_url=database_url)
    with app.app_context():
        flask_migrate.upgrade(directory=str(ROOT / "migrations"))
        with writing():
            text = (ROOT / "examples" / "dialogue-2021.yaml").read_bytes()
            import_event(text, as_slug=SLUG, shift_to="2027-05-25", now=NOW)
            db.session.execute(update(Event).values(invitations=False))
    return app


def bound(folder: Path, *, mail_port: int = 25, database_url: str = "") -> Flask:
    """Return the application on the database there is."""
    environ = environ_of(folder, mail_port=mail_port, database_url=database_url)
    app = create_app(load_settings(environ), clock=lambda: NOW)
    app.config["RATELIMIT_ENABLED"] = False
    app.extensions["limiter"].pop().enabled = False
    return app


def environ_of(folder: Path, *, mail_port: int = 25, database_url: str = "") -> dict[str, str]:
    """Return the settings of such an application."""
    return {
        "PLENARY_INSTANCE": str(folder),
        "DATABASE_URL": database_url or f"sqlite:///{folder / 'plenary.sqlite'}",
        "SECRET_KEY": "only-for-measuring-" * 3,
        "SEAL_KEYS": "k1:" + base64.b64encode(bytes(32)).decode(),
        "PUBLIC_URL": "http://localhost",
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": str(mail_port),
        "MAIL_DEFAULT_SENDER": "dialogue@example.org",
    }
