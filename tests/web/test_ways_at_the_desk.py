"""What the desk offers: every link and every form on every page, followed as each role, leads to what the role may."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup
from werkzeug.exceptions import HTTPException

from tests.support.access_matrix import AT_THE_DOOR, OF_AN_EVENT, Subject
from tests.support.access_world import World
from tests.support.dialogue import SLUG

S = Subject
NOT_SHOWN = {"organizer.sign_in", "organizer.edit_session", "organizer.send_again", "organizer.end_sessions"}
NOT_SHOWN |= {"organizer.mask_list", "organizer.begin_second_factor", "organizer.end_second_factor"}
"""What signed-in people need no way to, or only with a second session, or while a look is open; the other two steps of
the second factor, of which one was begun; the button of the page
on which an edit is reviewed, and that of a session whose changes have been told already."""
WEAKEST_FIRST = (S.WITHOUT_ROLE, S.VIEWER, S.EXPORTER, S.REVIEWER, S.EDITOR, S.OWNER, S.ADMINISTRATOR)
NAMES_ALL_CATEGORIES = ("organizer.new_reminder", "organizer.reminder", "organizer.preview_reminder")
"""Pages with a form that offers every category of the event, as the public page of sign-up does."""


class Crawl:
    """What somebody finds who follows every link from the list of events. `pages`: {endpoint: bodies}; `forms`: the
    endpoints to which forms lead; `closed`: addresses that are not answered; `leaks`: what is not for them."""

    def __init__(self, world: World, subject: Subject) -> None:
        self._world, self._subject, self._url = world, subject, world.app.config["PUBLIC_URL"]
        self.pages: dict[str, list[str]] = defaultdict(list)
        self.forms: set[str] = set()
        self.closed: list[str] = []
        self.leaks: set[str] = set()
        waiting = {"/organizer/"}
        seen: set[str] = set()
        while waiting:
            path = waiting.pop()
            seen.add(path)
            waiting |= set(self._open(path)) - seen

    def _open(self, path: str) -> Iterator[str]:
        """Open a page, and give the addresses to which it leads; of pages outside the desk none."""
        answer = self._world.open(path, self._subject)
        if answer.response.status_code != 200:
            self.closed.append(f"{answer.response.status} {path}")
        if path.startswith("/organizer/"):
            self.leaks |= self._world.leaks(self._subject, answer)
            self.pages[self._endpoint(path, "GET")].append(answer.body)
            html = BeautifulSoup(answer.body, "html.parser")
            self.forms |= set(self._forms(html))
            yield from self._links(html, path)

    def _forms(self, html: BeautifulSoup) -> Iterator[str]:
        for form in html.select("form[method=post]"):
            for place in (form["action"], *(button["formaction"] for button in form.select("[formaction]"))):
                yield self._endpoint(str(place), "POST")

    def _links(self, html: BeautifulSoup, path: str) -> Iterator[str]:
        """The addresses of ours on a page, each in one language. Links in the preview of a mail open nothing."""
        found = [] if path.partition("?")[0].endswith("/body.html") else [one["href"] for one in html.select("a[href]")]
        found += [one["src"] for one in html.select("iframe[src]")]
        for link in found:
            address = urlsplit(urljoin(self._url + path, str(link)))
            if address.netloc == urlsplit(self._url).netloc and "lang" not in parse_qs(address.query):
                yield address._replace(scheme="", netloc="", fragment="").geturl()

    def _endpoint(self, path: str, method: str) -> str:
        with self._world.app.test_request_context() as context:
            assert context.url_adapter
            try:
                return str(context.url_adapter.match(urlsplit(path).path, method)[0])
            except HTTPException:
                return f"{method} {path}"


@pytest.mark.parametrize("subject", WEAKEST_FIRST, ids=lambda subject: subject.name)
def test_each_role_is_shown_what_is_open_to_it_and_nothing_else(world: World, subject: Subject) -> None:
    """What is shown is open, what is open is shown; no page shows what is not for the role, or who is in a category
    at risk, which nobody learns without saying why (tests/web/test_masks.py)."""
    crawl = Crawl(world, subject)
    rows = [row for row in (*AT_THE_DOOR, *OF_AN_EVENT) if subject in row.allowed and not row.is_by_link]
    open_ones = {(row.endpoint, row.method) for row in rows if row.endpoint not in NOT_SHOWN}
    shown = {(name, "GET") for name in crawl.pages} | {(name, "POST") for name in crawl.forms}
    assert crawl.closed == []
    assert {one for one in shown if one[0] not in NOT_SHOWN} == open_ones
    assert crawl.leaks == set()
    assert _telling(crawl) == set()


def test_no_page_of_another_event_leads_to_this_one(world: World) -> None:
    crawl = Crawl(world, S.OWNER_ELSEWHERE)
    assert (crawl.closed, crawl.leaks) == ([], set())
    assert [body for bodies in crawl.pages.values() for body in bodies if SLUG in body] == []


def _telling(crawl: Crawl) -> set[str]:
    """The pages that say who is in a category at risk."""
    return {
        endpoint
        for endpoint, bodies in crawl.pages.items()
        if endpoint not in NAMES_ALL_CATEGORIES and any("ictim or survivor" in body for body in bodies)
    }
