"""The log of Flask's own server (`flask run`), which writes down who asks for which address: both go."""

from __future__ import annotations

import logging
import re

from masking import masked_method, masked_path

# "127.0.0.1 - - [25/May/2021 10:00:00] "GET /my/KEY/ HTTP/1.1" 303 -", with colours inside the quotation marks.
_OF_A_REQUEST = re.compile(r"^\S* - - \[.*?\] (?P<rest>.*)", re.DOTALL)
_READ = re.compile(r'"(?:\x1b\[\d+m)*(?P<method>\S+) (?P<path>\S*) HTTP/[\d.]+(?:\x1b\[0m)?" (?P<status>\d+)')


def init_app() -> None:
    """Mask what Werkzeug's server logs in this process."""
    log = logging.getLogger("werkzeug")
    if _mask not in log.filters:
        log.addFilter(_mask)


def _mask(record: logging.LogRecord) -> bool:
    """Leave of a request its method, masked path and status; words of the server itself stay as they are."""
    if request := _OF_A_REQUEST.match(record.getMessage()):
        read = _READ.match(request["rest"])
        words = (masked_method(read["method"]), masked_path(read["path"]), read["status"]) if read else ("unreadable",)
        record.msg, record.args = " ".join(words), ()
    return True
