"""Which part of a list a page is about: filters in the address, the words of a search sealed in it."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask import request, url_for
from flask_babel import gettext as _

from registration.domain.attendees import Filters, Shown, shown_categories
from registration.domain.masks import in_address
from registration.extensions import keyring
from registration.keys import SealError
from registration.models import Event
from registration.web.display import text
from registration.web.organizer import masks
from registration.web.organizer.events import organizer
from registration.web.organizer.forms import FilterForm
from registration.web.organizer.words import STATES, category_label

NAMES = ("category", "state", "session", "country", "mail", "order", "find", "page")
"""What the address of a list may say."""


@dataclass(frozen=True)
class Selection:
    """What the address asks for. `filters` is None where it asks for something there is not: see the form's errors."""

    event: Event
    unmasked: bool
    shown: list[Shown]
    form: FilterForm
    search: str | None
    """Empty without one; None for one that does not open, which may not come to mean everybody."""
    number: int

    @cached_property
    def filters(self) -> Filters | None:
        """The filters, once the form has found no fault."""
        if not self.form.validate():
            return None
        if self.search is None:
            self.form.form_errors.append(_("This search is over, or was somebody else’s; type it again."))
            return None
        form = self.form
        return Filters(
            category=self._category(form.category.data or ""),
            state=form.state.data or "",
            session=form.session.data or "",
            country=form.country.data or "",
            mail=form.mail.data or "",
            search=self.search,
            by_name=form.order.data == "name",
        )

    def _category(self, asked: str) -> str:
        """Return the name of the category that the address asks for."""
        return next((one.name for one in self.shown if in_address(self.event, one.name) == asked), "")

    @property
    def arguments(self) -> dict[str, str]:
        """What of it stands in the address."""
        return {name: value for name in NAMES if (value := request.args.get(name))}

    def address(self, endpoint: str = "organizer.attendees", **changes: Any) -> str:
        """Return the address of a page about the same part of the list, but for the changes (None: without)."""
        return url_for(endpoint, event_slug=self.event.slug, **{**self.arguments, **changes})


def read_selection(event: Event) -> Selection:
    """Return what the address of this request asks for, as this organizer may ask."""
    unmasked = masks.unmasked(event)
    shown = shown_categories(event, unmasked=unmasked)
    form = FilterForm(formdata=request.args)
    form.category.choices = [
        ("", _("All")),
        *((in_address(event, one.name), category_label(shown, one.name)) for one in shown),
    ]
    form.state.choices = [
        ("", _("All with a confirmed address")),
        *((name, str(label)) for name, label in STATES.items()),
    ]
    form.session.choices = [("", _("All")), *((one.slug, text(one.title)) for one in event.sessions)]
    number = request.args.get("page", "1")
    return Selection(
        event=event,
        unmasked=unmasked,
        shown=shown,
        form=form,
        search=_search_in(request.args.get("find", "")),
        number=int(number) if number.isascii() and number.isdigit() and len(number) < 8 else 1,
    )


def hidden_search(search: str) -> str | None:
    """Return the words of a search for an address: sealed for this organizer alone. None where there are none."""
    if not search:
        return None
    return base64.urlsafe_b64encode(keyring.keys.seal(search, _bound_to())).decode()


def _search_in(find: str) -> str | None:
    """Return the words of a search that were sealed for an address; None for what does not open."""
    if not find:
        return ""
    try:
        search: str = keyring.keys.open(base64.b64decode(find, altchars=b"-_", validate=True), _bound_to())
    except (SealError, ValueError, binascii.Error):
        return None
    return search


def _bound_to() -> str:
    return f"search/{organizer().public_id}"
