"""A visitor without a browser: asks by HTTP, keeps cookies, and checks every page it gets."""

from __future__ import annotations

from typing import Any

from flask import has_app_context
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.pages import Form, Page, Value


class Client(FlaskClient):
    """Flask's test client, at the house's own address and with its own checks.

    `get`, `post` and the others answer with the raw response; `page` and `submit` expect a status and parse.
    Every HTML answer is checked by Page, whichever way it came.
    """

    public_url = "http://localhost"
    _checked: Page | None = None

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Ask; a path alone is asked at the public address."""
        assert not has_app_context(), "leave app_context() first: the request would share its session"
        if args and isinstance(args[0], str) and args[0].startswith("/"):
            args = (self.public_url + args[0], *args[1:])
        response = super().open(*args, **kwargs)
        if _is_page(response):
            self._checked = Page(response)
        return response

    def page(self, path: str, status: int = 200, **kwargs: Any) -> Page:
        """Get a page, which has to come with `status`, after any redirects."""
        return self.parsed(self.get(path, follow_redirects=True, **kwargs), status)

    def submit(self, form: Form, status: int = 200, /, **values: Value) -> Page:
        """Fill in a form and send it as a browser does; the page that follows has to come with `status`."""
        return self.parsed(self.send(form, follow_redirects=True, **values), status)

    def send(self, form: Form, /, *, follow_redirects: bool = False, **values: Value) -> TestResponse:
        """Fill in a form and send it; answers with what came back, redirects and all."""
        form.fill(values)
        sent = {"query_string": form.values} if form.method == "GET" else {"data": form.values}
        return self.open(
            form.action,
            method=form.method,
            headers={"Referer": form.page.url},
            follow_redirects=follow_redirects,
            **sent,
        )

    def parsed(self, response: TestResponse, status: int = 200) -> Page:
        """The page of a raw response, which has to have come with `status`."""
        assert response.status_code == status, (
            f"{response.request.method} {response.request.url} answered {response.status}, not {status}:\n"
            + " ".join(response.get_data(as_text=True).split())[:600]
        )
        assert response.mimetype == "text/html"
        checked = self._checked
        return checked if checked and checked.response is response else Page(response)


def _is_page(response: TestResponse) -> bool:
    """Whether people read it: browsers do not show the body of a redirect, and HEAD has none."""
    shown = not 300 <= response.status_code < 400 and response.request.method != "HEAD"
    return shown and response.mimetype == "text/html"
