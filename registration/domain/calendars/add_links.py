"""Links that open a new entry in a calendar on the web. What they put there never changes afterwards."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote, urlencode

from registration.domain.calendars.entry import CalendarEntry, clean, one_line
from registration.timezones import UTC

LONGEST_TITLE = 200  # of characters: links of more than about 8,000 octets are refused by web servers
LONGEST_DETAILS = 400


def add_links(entry: CalendarEntry) -> dict[str, str]:
    """Return links that add an entry to a web calendar, by its keys: google, outlook, office, yahoo.

    No provider documents them but by example; a long title or description is cut.
    """
    title = one_line(entry.title)[:LONGEST_TITLE]
    url = one_line(entry.watch_url)
    details = f"{url}\n\n{clean(entry.description)[:LONGEST_DETAILS]}".rstrip()
    start, end = _compact(entry.starts_at), _compact(entry.ends_at)
    outlook = {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "subject": title,
        "startdt": _extended(entry.starts_at),
        "enddt": _extended(entry.ends_at),
        "body": details,
        "location": url,
    }
    google = {
        "action": "TEMPLATE",
        "text": title,
        "dates": f"{start}/{end}",
        "details": details,
        "location": url,
    }
    yahoo = {"v": "60", "title": title, "st": start, "et": end, "desc": details, "in_loc": url}
    return {
        "google": _link("https://calendar.google.com/calendar/render", google),
        "outlook": _link("https://outlook.live.com/calendar/0/deeplink/compose", outlook),
        "office": _link("https://outlook.office.com/calendar/deeplink/compose", outlook),
        "yahoo": _link("https://calendar.yahoo.com/", yahoo),
    }


def _link(address: str, values: dict[str, str]) -> str:
    # %20, as Outlook shows a plus sign as such.
    return f"{address}?{urlencode(values, quote_via=quote, safe='/:')}"


def _compact(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _extended(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
