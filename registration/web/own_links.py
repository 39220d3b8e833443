"""Renewing the links that a participant holds, from the own page."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, url_for
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from registration import clock
from registration.domain import own_links
from registration.domain.link_keys import LinkKind
from registration.extensions import limiter, writing
from registration.web.participant import own_registration, remember

blueprint = Blueprint("own_links", __name__)

ALL = "all"
KINDS = {ALL: own_links.LASTING, **{kind.value: (kind,) for kind in own_links.LASTING}}
SAID = {
    ALL: _l("All your links are new. Only this browser still opens this page; a mail brings you its new link."),
    LinkKind.MANAGE: _l("The link to this page is new. Only this browser still opens it; a mail brings you the link."),
    LinkKind.FEED: _l("Your feed has a new address: subscribe to it anew, for the old one opens nothing any more."),
    LinkKind.UNSUBSCRIBE: _l("The link that ends reminders is new; your next reminder has it."),
}


@blueprint.post(f"/my/links/<any({','.join(KINDS)}):name>/renew/")
@limiter.limit("60 per hour")
def renew(name: str) -> Response:
    """Renew links of one kind, or all; this browser stays signed in with the new one."""
    with writing():
        registration = own_registration()
        own_links.renew(registration, KINDS[name], now=clock.now())
        response = remember(redirect(url_for("participant.own"), 303), registration)
    flash(str(SAID[name]))
    return response
