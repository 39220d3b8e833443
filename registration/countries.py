"""Countries: the Member and Observer States of the United Nations by their codes of ISO 3166-1."""

from __future__ import annotations

import unicodedata
from functools import cache

from babel import Locale

_CODES = """
    AD AE AF AG AL AM AO AR AT AU AZ BA BB BD BE BF BG BH BI BJ BN BO BR BS BT BW BY BZ CA CD CF CG CH CI CL CM
    CN CO CR CU CV CY CZ DE DJ DK DM DO DZ EC EE EG ER ES ET FI FJ FM FR GA GB GD GE GH GM GN GQ GR GT GW GY HN
    HR HT HU ID IE IL IN IQ IR IS IT JM JO JP KE KG KH KI KM KN KP KR KW KZ LA LB LC LI LK LR LS LT LU LV LY MA
    MC MD ME MG MH MK ML MM MN MR MT MU MV MW MX MY MZ NA NE NG NI NL NO NP NR NZ OM PA PE PG PH PK PL PS PT PW
    PY QA RO RS RU RW SA SB SC SD SE SG SI SK SL SM SN SO SR SS ST SV SY SZ TD TG TH TJ TL TM TN TO TR TT TV TZ
    UA UG US UY UZ VA VC VE VN VU WS YE ZA ZM ZW
"""
CODES: frozenset[str] = frozenset(_CODES.split())
"""The 193 Member States and the two Observer States, the Holy See (VA) and the State of Palestine (PS): un.org,
"Member States" and "Non-member States"."""

UN_NAMES: dict[str, dict[str, str]] = {
    "en": {
        "AG": "Antigua and Barbuda",
        "BA": "Bosnia and Herzegovina",
        "BN": "Brunei Darussalam",
        "BO": "Bolivia (Plurinational State of)",
        "BS": "Bahamas (The)",
        "CD": "Democratic Republic of the Congo",
        "CG": "Congo",
        "CV": "Cabo Verde",
        "FM": "Micronesia (Federated States of)",
        "GB": "United Kingdom of Great Britain and Northern Ireland",
        "GM": "Gambia (Republic of The)",
        "IR": "Iran (Islamic Republic of)",
        "KN": "Saint Kitts and Nevis",
        "KP": "Democratic People’s Republic of Korea",
        "KR": "Republic of Korea",
        "LA": "Lao People’s Democratic Republic",
        "LC": "Saint Lucia",
        "MD": "Republic of Moldova",
        "MM": "Myanmar",
        "NL": "Netherlands (Kingdom of the)",
        "PS": "State of Palestine",
        "RU": "Russian Federation",
        "ST": "Sao Tome and Principe",
        "SY": "Syrian Arab Republic",
        "TT": "Trinidad and Tobago",
        "TZ": "United Republic of Tanzania",
        "US": "United States of America",
        "VA": "Holy See",
        "VC": "Saint Vincent and the Grenadines",
        "VE": "Venezuela (Bolivarian Republic of)",
        "VN": "Viet Nam",
    },
    "ar": {"PS": "دولة فلسطين", "VA": "الكرسي الرسولي"},
    "es": {"PS": "Estado de Palestina", "VA": "Santa Sede"},
    "fr": {"PS": "État de Palestine", "VA": "Saint-Siège"},
    "ru": {"PS": "Государство Палестина", "VA": "Святой Престол"},
    "zh": {"PS": "巴勒斯坦国", "VA": "教廷"},
}
"""What the United Nations call a State where CLDR calls it otherwise: all in English, elsewhere the Observer States."""


@cache
def country_names(language: str) -> dict[str, str]:
    """Return {alpha-2 code: name in `language`}, in the order of the names."""
    territories = Locale.parse(language, sep="-").territories
    names = {code: territories[code] for code in CODES} | UN_NAMES.get(language, {})
    return dict(sorted(names.items(), key=lambda item: unicodedata.normalize("NFKD", item[1].casefold())))
