"""The one place that turns refusals and faults into pages."""

from __future__ import annotations

from functools import partial
from traceback import extract_tb
from types import TracebackType

from flask import Flask, current_app, render_template, request
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from werkzeug.exceptions import HTTPException, TooManyRequests

from masking import masked_path
from registration import security_log
from registration.errors import NotFound, Refusal
from registration.web import limits

ExceptionInfo = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]
Answer = tuple[str, int] | tuple[str, int, dict[str, str]]


def init_app(app: Flask) -> None:
    """Answer errors with our own pages, each with a sentence that says what to do."""
    app.register_error_handler(NotFound, _not_found)
    app.register_error_handler(Refusal, _refused)
    for fault in (OperationalError, InterfaceError, NoConnectionFree):
        app.register_error_handler(fault, _database_is_away)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(TooManyRequests, too_many)
    app.register_error_handler(CSRFError, _without_token)
    log = _log_all if app.config["PLENARY"].development else _log_exception
    app.log_exception = partial(log, app)  # type: ignore[method-assign]


def _log_exception(app: Flask, exc_info: ExceptionInfo) -> None:
    """Log where a fault is, not what it was about: addresses of pages hold keys, and values hold people's data."""
    kind, _error, trace = exc_info
    places = " < ".join(f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in reversed(extract_tb(trace)))
    app.logger.error("%s at %s: %s", kind.__name__ if kind else "fault", request.endpoint, places)


def _log_all(app: Flask, exc_info: ExceptionInfo) -> None:
    """Log a fault in development, with all it says; the key in the page's address is masked here too."""
    app.logger.error("fault at %s %s", request.method, masked_path(request.path), exc_info=exc_info)  # type: ignore[arg-type]


def _not_found(refusal: NotFound) -> Answer:
    return _page(_("There is no such page"), str(refusal), 404)


def _refused(refusal: Refusal) -> Answer:
    return _page(_("This cannot be done now"), str(refusal), 409)


def _database_is_away(error: SQLAlchemyError) -> Answer:
    """Say that nothing was kept: the database is locked, full or gone. What was typed waits in the page itself, which
    sends it again."""
    current_app.logger.error("the database does not serve %s (%s)", request.endpoint, type(error).__name__)
    title = _("Please try again")
    sentence = _("The service cannot keep anything just now, and has kept nothing of this; try again in a minute.")
    page = render_template("error.html", title=title, sentence=sentence, typed=_typed())
    return page, 503, {"Retry-After": "60"}


def too_many(error: TooManyRequests) -> Answer:
    """Say how long to wait. What was typed waits in the page itself."""
    sentence, told = slowed(error)
    page = render_template("error.html", title=_("Too many tries"), sentence=sentence, typed=_typed())
    return page, 429, told


def slowed(error: TooManyRequests) -> tuple[str, dict[str, str]]:
    """Note that somebody is slowed; return how long to wait, in words and as headers."""
    security_log.refused("limit_reached", page=request.endpoint)
    seconds = limits.seconds_to_wait(error)
    sentence = ngettext(
        "There were too many tries; wait a minute and try again.",
        "There were too many tries; wait %(num)s minutes and try again.",
        -(-seconds // 60),
    )
    return sentence, {"Retry-After": str(seconds)}


def _without_token(error: CSRFError) -> Answer:
    security_log.refused("form_refused", page=request.endpoint)
    return _http_error(error)


def _typed() -> list[tuple[str, str]]:
    """Return the names and values of the form that was sent; nothing of one with a password, which no page repeats."""
    try:
        typed = list(request.form.items(multi=True))
    except HTTPException:
        return []
    return [] if any("password" in name for name, _value in typed) else typed


def _http_error(error: HTTPException) -> Answer:
    code = error.code or 500
    title, sentence = {
        400: (
            _("This cannot be read"),
            _("Something in the form could not be read; go back and send it again."),
        ),
        403: (_("This is not yours to open"), _("Sign in with an account that may see this page.")),
        404: (_("There is no such page"), _("Look at the address again, or begin at the list of events.")),
        405: (
            _("This cannot be done"),
            _("This page does not take what was sent; go back and use its form."),
        ),
        413: (_("This is too much"), _("What was sent is too large; shorten it and send it again.")),
    }.get(code, (_("Something went wrong"), _("Nothing was kept of this; please try again in a minute.")))
    return _page(title, sentence, code)


def _page(title: str, sentence: str, code: int) -> tuple[str, int]:
    return render_template("error.html", title=title, sentence=sentence), code
