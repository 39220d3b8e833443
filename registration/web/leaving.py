"""What a browser is told when somebody leaves."""

from __future__ import annotations

from werkzeug.wrappers import Response


def wiped(response: Response) -> Response:
    """Have the browser drop what it keeps of us (ASVS 5.0, 14.3.1); pages of one person are no-store all the same."""
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response
