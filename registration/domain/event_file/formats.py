"""The formats of the schema: what a pattern cannot tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email
from flask_babel import lazy_gettext as _l
from jsonschema import FormatChecker

from registration.domain.event_file.walltimes import parse_wall
from registration.errors import Refusal
from registration.timezones import COMMON_ZONES


def format_checker(language: object) -> FormatChecker:
    """Return a checker for a file with this default language. Each check passes or raises Refusal."""
    checks: dict[str, Callable[[Any], object]] = {
        "zone": check_zone,
        "wall-time": parse_wall,
        "uri": check_url,
        "email": check_address,
        "default-language": lambda texts: _check_texts(texts, language),
    }
    checker = FormatChecker(formats=())
    for name, check in checks.items():
        checker.checks(name, raises=Refusal)(_passing(check, dict if name == "default-language" else str))
    return checker


def check_zone(name: str) -> None:
    """Raises Refusal unless `name` is an IANA zone in common use, with the spelling that is meant if one is near."""
    if name not in COMMON_ZONES:
        spelt = {zone.casefold(): zone for zone in sorted(COMMON_ZONES)}
        meant = spelt.get("_".join(name.casefold().split()), "America/New_York")
        raise Refusal(_l("There is no such time zone; write it as %(zone)s.", zone=meant))


def check_url(url: str) -> None:
    """Raises Refusal unless `url` is an address of the web."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
        good = good and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good or any(character in ' \t\n"<>\\^`{|}' for character in url):
        raise Refusal(_l("This is no address of the web; write it as https://webtv.un.org/."))


def check_address(address: str) -> None:
    """Raises Refusal unless `address` is a mail address in ASCII. Asks no name server."""
    try:
        validate_email(address, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        raise Refusal(_l("This is no mail address; write it as dialogue@example.org.")) from None


def _check_texts(texts: dict[str, object], language: object) -> None:
    if texts and isinstance(language, str) and language not in texts:
        raise Refusal(_l("Write it in the event's default language (%(language)s) too.", language=language))


def _passing(check: Callable[[Any], object], wanted: type) -> Callable[[object], bool]:
    """A value of another type is another fault's matter."""

    def passes(value: object) -> bool:
        if isinstance(value, wanted):
            check(value)
        return True

    return passes
