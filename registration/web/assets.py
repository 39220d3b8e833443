"""Our style sheet, scripts and icon: a few small files, whose addresses change with their contents (`display.asset`).

Flask would send them as open files, which Flask-Compress packs as streams and never closes.
"""

from __future__ import annotations

import mimetypes
from pathlib import Path

from flask import Flask, Response, abort, current_app
from werkzeug.security import safe_join

FOR_EVER = "public, max-age=31536000, immutable"


def init_app(app: Flask) -> None:
    """Send the files of the static folder from memory."""
    app.view_functions["static"] = _send


def _send(filename: str) -> Response:
    path = safe_join(current_app.static_folder or "", filename)
    if path is None or not Path(path).is_file():
        abort(404)
    content_type = mimetypes.guess_type(filename)[0] or "application/octet-stream"
    return Response(Path(path).read_bytes(), mimetype=content_type, headers={"Cache-Control": FOR_EVER})
