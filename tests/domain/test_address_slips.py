"""Slips in the domain of an address: seen where they are plain, and nobody's real address asked about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.domain.address_slips import NEIGHBOURS, PROVIDERS, suggestion
from registration.domain.personal import mail_address


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gmial.com", "gmail.com"),
        ("gmil.com", "gmail.com"),
        ("gmaill.com", "gmail.com"),
        ("gnail.com", "gmail.com"),
        ("gmail.co", "gmail.com"),
        ("gmail.cm", "gmail.com"),
        ("gmail.con", "gmail.com"),
        ("gmial.cmo", "gmail.com"),
        ("GMIAL.COM", "gmail.com"),
        ("yahooo.co.uk", "yahoo.co.uk"),
        ("yhaoo.fr", "yahoo.fr"),
        ("hotmial.com", "hotmail.com"),
        ("hotmail.comm", "hotmail.com"),
        ("outlok.es", "outlook.es"),
        ("iclould.com", "icloud.com"),
        ("protnmial.com", "protonmail.com"),
        ("rediffmial.com", "rediffmail.com"),
        ("oragne.fr", "orange.fr"),
        ("lapsote.net", "laposte.net"),
        ("yadnex.ru", "yandex.ru"),
        ("qq.con", "qq.com"),
        ("un.ogr", "un.org"),
        ("aid.example.con", "aid.example.com"),
        ("example.rog", "example.org"),
    ],
)
def test_plain_slips_are_seen(typed: str, meant: str) -> None:
    assert suggestion(f"Amina+UN@{typed}") == f"Amina+UN@{meant}"


@pytest.mark.parametrize(
    "domain",
    [
        *("example.org", "example.com", "example.co", "unep.org", "mfa.gov.np", "hrw.org", "amnesty.org"),
        *("globe.com", "fifty.com", "aq.com", "164.com", "tree.fr", "gmail.de", "hotmail.is", "yahoo.org", "co.com"),
        *("gov.om", "mail.gov.cm", "minrel.gob.co", "xn--bcher-kva.example", "a.b", "localhost"),
    ],
)
def test_real_domains_are_not_asked_about(domain: str) -> None:
    assert suggestion(f"amina@{domain}") is None


def test_no_provider_and_no_known_neighbour_is_asked_about() -> None:
    assert [one for one in (*PROVIDERS, *NEIGHBOURS) if suggestion(f"amina@{one}")] == []


def test_no_provider_stands_twice_or_among_the_neighbours() -> None:
    assert len(set(PROVIDERS)) == len(PROVIDERS)
    assert not NEIGHBOURS & set(PROVIDERS)


@given(st.from_regex(r"[a-z]{1,12}(\.[a-z]{2,6}){1,3}", fullmatch=True))
def test_what_is_meant_is_an_address_about_which_nothing_is_asked(domain: str) -> None:
    meant = suggestion(f"amina@{domain}")
    assert meant is None or (mail_address(meant), suggestion(meant)) == (meant, None)
