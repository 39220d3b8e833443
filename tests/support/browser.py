"""A real Chromium, and the application served for it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Route, sync_playwright
from werkzeug.serving import make_server

CHROMIUM = "/usr/bin/chromium"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 10_000
STOP_WITHIN_S = 0.02


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Run Chromium without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def open_tab(browser: Browser, own_address: str, **context: object) -> Iterator[Page]:
    """A tab with cookies of its own that reaches `own_address` only.

    Fails at the end if a page asked for anything elsewhere, or if a script or a policy (CSP) complained.
    """
    faults: list[str] = []

    def refuse(route: Route, request: Request) -> None:
        faults.append(f"asked for {request.url}")
        route.abort()

    with browser.new_context(base_url=own_address, **context) as tabs:  # type: ignore[arg-type]
        tabs.set_default_timeout(PATIENCE_MS)
        tabs.route(lambda url: not url.startswith((own_address + "/", "data:", "blob:")), refuse)
        tabs.on("weberror", lambda error: faults.append(f"script error: {error.error}"))
        tabs.on("console", lambda message: faults.append(message.text) if _is_fault(message) else None)
        yield tabs.new_page()
    assert not faults, "\n".join(faults)


def _is_fault(message: ConsoleMessage) -> bool:
    """Whether a browser complains; that a form came back to be corrected (422) is none of our faults."""
    return message.type == "error" and "status of 422" not in message.text


@contextmanager
def serving(app: Flask, listening: socket.socket) -> Iterator[None]:
    """Serve `app` on a listening socket, from threads of this process."""
    host, port = listening.getsockname()
    server = make_server(host, port, app, threaded=True, fd=listening.fileno())
    thread = threading.Thread(target=server.serve_forever, args=(STOP_WITHIN_S,), name="live server")
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
