"""Countries: the codes of ISO 3166-1, their names from CLDR."""

from __future__ import annotations

from functools import cache

import pytz
from babel import Locale

CODES: frozenset[str] = frozenset(pytz.country_names)


@cache
def country_names(language: str) -> dict[str, str]:
    """Return {alpha-2 code: name in `language`}, in the order of the names."""
    territories = Locale.parse(language, sep="-").territories
    names = {code: territories.get(code, pytz.country_names[code]) for code in CODES}
    return dict(sorted(names.items(), key=lambda item: item[1].casefold()))
