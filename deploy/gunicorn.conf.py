"""Gunicorn's settings: threads, because a request waits for the database more than it computes.

It has to stand behind a proxy that reads a whole request before it passes it on (nginx does): each request holds a
thread until its last byte, and nothing here ends one that comes a byte a second.

ACCESS_LOG=1 writes a line for each request to the standard output: time, method, masked path, status, milliseconds and
octets. No log has an address of a reader, a key of a link, a query, a browser or a page somebody came from.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from traceback import extract_tb
from typing import Any

from gunicorn.glogging import Logger

from masking import masked_method, masked_path


class MaskedLog(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Gunicorn's log without what tells who asked, and for what of theirs."""

    def access(self, resp: Any, _req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        """Write the line of one request."""
        if self.access_log_enabled:
            at = datetime.now(UTC).isoformat(timespec="seconds")
            method = masked_method(environ.get("REQUEST_METHOD", ""))
            path = masked_path(environ.get("RAW_URI", ""))
            status = str(resp.status).partition(" ")[0]
            took = round(request_time.total_seconds() * 1000)
            self.access_log.info("%s %s %s %s %dms %s", at, method, path, status, took, resp.sent)

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Write where a request failed, not what it was about; of the server's own faults all is written."""
        if not msg.startswith(("Error handling request", "Socket error")):
            super().exception(msg, *args, **kwargs)
            return
        kind, _error, trace = sys.exc_info()
        places = " < ".join(f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in reversed(extract_tb(trace)))
        self.error("a request failed: %s at %s", kind.__name__ if kind else "fault", places)


workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
threads = 4
keepalive = 5
timeout = 30
# Our longest addresses and cookies are a few hundred bytes; the form's size is the application's matter.
limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190
logger_class = MaskedLog
accesslog = "-" if os.environ.get("ACCESS_LOG") == "1" else None
# What cannot be read as a request is a warning, with the address of who sent it and all they wrote.
loglevel = "error"
