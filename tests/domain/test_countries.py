"""Countries: which are offered, and what they are called."""

from __future__ import annotations

import pytest

from registration.countries import country_names


def test_the_member_states_and_the_two_observer_states_are_offered_and_nothing_else() -> None:
    names = country_names("en")
    assert len(names) == 193 + 2
    assert (names["VA"], names["PS"]) == ("Holy See", "State of Palestine")
    assert names.keys().isdisjoint({"AQ", "EH", "HK", "TW", "XK"})


@pytest.mark.parametrize(
    ("code", "language", "name"),
    [
        ("CD", "en", "Democratic Republic of the Congo"),
        ("CG", "en", "Congo"),
        ("KP", "en", "Democratic People’s Republic of Korea"),
        ("CN", "en", "China"),
        ("TR", "en", "Türkiye"),
        ("PS", "fr", "État de Palestine"),
        ("NP", "ar", "نيبال"),
    ],
)
def test_a_country_is_called_as_the_united_nations_call_it(code: str, language: str, name: str) -> None:
    assert country_names(language)[code] == name


def test_countries_stand_in_the_order_of_their_letters_with_or_without_accents() -> None:
    names = list(country_names("en").values())
    assert names.index("Costa Rica") < names.index("Côte d’Ivoire") < names.index("Croatia")
