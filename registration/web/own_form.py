"""The form on a participant's own page."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from registration.domain.participation import Wishes
from registration.models import Event, Registration
from registration.web.display import LANGUAGES, language_name
from registration.web.fields import LineField, MenuField, Needed, OneField, Writable
from registration.web.signup_form import WishesForm

BY_INVITATION, BY_OWN_HAND = "invitations", "own"


def language_choices() -> list[tuple[str, str]]:
    """Return the languages that pages and mails speak, each named in itself."""
    return [(language, language_name(language)) for language in LANGUAGES]


class OwnForm(WishesForm):
    """What participants can change."""

    language = MenuField(
        _l("Language of mails and of this page"),
        choices=language_choices,
        validators=[Needed(lambda: _("Choose a language."))],
    )
    neutral_title = LineField(
        _l("Neutral title"),
        description=_l("What calendar and mail say instead, as “Online meeting”."),
        validators=[Writable(80)],
    )

    calendar = OneField(
        _l("How sessions come into your calendar"),
        description=_l("Choose one way, so that no session stands there twice."),
        choices=lambda: [
            (BY_INVITATION, _("Invitations by mail, which put sessions into your calendar and correct themselves")),
            (BY_OWN_HAND, _("I use a feed or files")),
        ],
        validators=[Needed(lambda: _("Choose how sessions come into your calendar."))],
    )

    def offer(self, event: Event) -> None:
        """Put in what this (whole) event offers."""
        super().offer(event)
        if not event.invitations:
            del self.calendar

    def wishes(self, registration: Registration) -> Wishes:
        """Return what was chosen, as the rules take it; what the event does not offer stays as it was wished."""
        by_invitation = self.calendar.data == BY_INVITATION if "calendar" in self else registration.invitations
        return Wishes(
            session_ids=self.session_ids(registration.event),
            language=self.language.data,
            stream_language=self.stream_language.data,
            zone=self.zone.data or "",
            discreet=self.discreet.data,
            neutral_title=self.neutral_title.data or "",
            invitations=by_invitation,
        )
