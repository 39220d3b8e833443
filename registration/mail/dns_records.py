"""The DNS records without which large receivers do not believe our mail, in words for whoever has to set them."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from config import Settings

SERVERS_NAME = "NAME-OF-YOUR-MAIL-SERVER"
"""Stands for the public name of a mail server that the settings know by a private one."""


def dns_records(settings: Settings) -> Iterator[str]:
    """Yield lines: what to set for the domains of both senders, and what each record is for.

    SPF: RFC 7208, for MAIL FROM, which is BOUNCE_ADDRESS; DKIM: RFC 6376, and for one-click unsubscribing RFC 8058,
    section 4; DMARC: RFC 7489, for From, which is MAIL_DEFAULT_SENDER.
    """
    domain, envelope = _domain(settings.mail_default_sender), _domain(settings.bounce_address)
    server = _mechanism(settings.mail_server)
    name = server.partition(":")[2]
    yield f"DNS records for {domain}, the domain of MAIL_DEFAULT_SENDER (From),"
    yield f"and for {envelope}, the domain of BOUNCE_ADDRESS (the envelope)."
    yield "Nothing was looked up: compare them with what the DNS has, or give this list to whoever runs it."
    yield ""
    yield "SPF says which machines send mail of a domain; receivers look at the envelope's. There may be only one such"
    yield f"record: if there is one already, add {server} to it. A server that hands mail on to a provider needs the"
    yield "provider's include: too."
    for sender in dict.fromkeys((envelope, domain)):
        yield f'    {sender}. TXT "v=spf1 {server} -all"'
    yield ""
    yield "DKIM signs each mail, so that nobody can change it or write in your name. Plenary does not sign: the mail"
    yield f"server has to, for d={domain}, and over List-Unsubscribe and List-Unsubscribe-Post too: without that, mail"
    yield "programs offer nobody to unsubscribe. Its operator tells you the selector and the public key."
    yield f'    SELECTOR._domainkey.{domain}. TXT "v=DKIM1; k=rsa; p=PUBLIC-KEY"'
    yield ""
    yield "DMARC says what receivers do with mail in your name that neither SPF nor DKIM vouches for. Begin with none,"
    yield "read the reports that come, then write quarantine, and at last reject."
    yield f'    _dmarc.{domain}. TXT "v=DMARC1; p=none; rua=mailto:postmaster@{domain}"'
    if not _aligned(domain, envelope):
        yield f"Beware: {envelope} is not {domain}, nor above or below it. Where they do not belong to one registered"
        yield "domain, SPF does not count for DMARC, and only DKIM vouches for these mails: better take a"
        yield f"BOUNCE_ADDRESS at {domain}."
    yield ""
    yield "PTR leads from the address of the machine that sends into the world to its name, and the name has to lead"
    yield "back. Whoever gave you the address sets it."
    yield f"    address of {name} PTR {name if name[-1:].isalpha() else SERVERS_NAME}."


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()


def _aligned(one: str, other: str) -> bool:
    """Whether two domains surely count as one for DMARC (RFC 7489, 3.1: relaxed), without a list of registered ones."""
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


def _mechanism(server: str) -> str:
    """Return what SPF calls a mail server."""
    try:
        address = ip_address(server)
    except ValueError:
        return f"a:{server if '.' in server else SERVERS_NAME}"
    return f"ip{address.version}:{address}" if address.is_global else f"a:{SERVERS_NAME}"
