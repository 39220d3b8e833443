"""What whoever guards the service wants to know: who signed in, what was refused, which roles were given (OWASP ASVS
5.0, 16.3).

Accounts stand there by their public id. Never what somebody typed, a mail address, a network or a key.
"""

from __future__ import annotations

import logging

from flask import Flask
from flask.logging import default_handler, has_level_handler

logger = logging.getLogger("plenary.security")


def init_app(_app: Flask) -> None:
    """Let the lines go to where the server's errors go, unless the operator has set up logging."""
    logger.setLevel(logging.INFO)
    if not has_level_handler(logger):
        logger.addHandler(default_handler)


def done(what: str, /, **facts: str | None) -> None:
    """Note what was done: `sign_in account=...`."""
    logger.info(_line(what, facts))


def refused(what: str, /, **facts: str | None) -> None:
    """Note what was refused, as a warning."""
    logger.warning(_line(what, facts))


def _line(what: str, facts: dict[str, str | None]) -> str:
    return " ".join([what, *(f"{name}={value or 'unknown'}" for name, value in facts.items())])
