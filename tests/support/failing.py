"""An application that fails under gunicorn, with a person's data in the words of the fault."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

DATA = "zenobia.marker@example.org"


def app(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
    """Fail before the answer begins or, at /later/, in its middle."""
    if environ["PATH_INFO"].startswith("/later/"):
        start_response("200 OK", [("Content-Type", "text/plain")])
        yield b"so far"
    if environ["PATH_INFO"] != "/healthz":
        raise ValueError(DATA)
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"alive"
