"""No other site makes a reader's browser do anything here (OWASP ASVS 5.0, 3.5.1 and 3.5.3).

Two walls before every request that changes something: the form's token (Flask-WTF), and what the browser says of where
the request comes from. Without a token are only forms that have no authority; each is named here, with the reason.
"""

from __future__ import annotations

from flask import Flask, current_app, request
from flask_wtf.csrf import CSRFError

from config import Settings
from registration.extensions import csrf

WITHOUT_TOKEN = {
    "signup.submit": "nobody is known yet; what is sent counts for nothing until its address is proved",
    "signup.send_link": "whoever asks, the link goes to its owner's mailbox",
    "signup.prove": "the key in the address is the authority, and no cookie: another site does not know it",
    "signup.erase_unproved": "the key in the address is the authority, and no cookie",
    "unsubscribe.stop": "the key in the address is the authority, and mail programs send no token (RFC 8058)",
    "unsubscribe.undo": "the key in the address is the authority",
}
"""Forms that ask for no token, and why; their pages open no session."""
FROM_ANYWHERE = frozenset(WITHOUT_TOKEN) - {"signup.prove", "signup.erase_unproved"}
"""Forms that another site may send. To prove an address opens an own page in the browser, so that one may not."""
READING = frozenset({"GET", "HEAD", "OPTIONS"})


def init_app(app: Flask) -> None:
    """Put both walls before all forms; after the blueprints are registered."""
    for endpoint in WITHOUT_TOKEN:
        csrf.exempt(app.view_functions[endpoint])
    app.before_request(_refuse_other_sites)


def _refuse_other_sites() -> None:
    if request.method in READING or request.endpoint is None or request.endpoint in FROM_ANYWHERE:
        return
    if not _is_from_here():
        raise CSRFError("another site sends this")


def _is_from_here() -> bool:
    """Whether the browser says that the request comes from a page of ours, or from none (Fetch Metadata, 2.4).

    Browsers too old to say so may say the origin; where pages forbid the referrer it is "null". Programs, which carry
    nobody's cookies, say neither.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    settings: Settings = current_app.config["PLENARY"]
    return request.headers.get("Origin", "null").lower() in ("null", settings.public_url.lower())
