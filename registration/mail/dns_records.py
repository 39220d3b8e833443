"""The DNS records without which large receivers do not believe our mail, in words for whoever has to set them."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from config import Settings

SERVERS_NAME = "NAME-OF-YOUR-MAIL-SERVER"
"""Stands for the public name of a mail server that the settings know by a private one."""


def dns_records(settings: Settings) -> Iterator[str]:
    """Yield lines: what to set for the domain of MAIL_DEFAULT_SENDER, and what each record is for.

    SPF: RFC 7208; DKIM: RFC 6376, and for one-click unsubscribing RFC 8058, section 4; DMARC: RFC 7489.
    """
    domain = settings.mail_default_sender.rpartition("@")[2]
    server = _mechanism(settings.mail_server)
    name = server.partition(":")[2]
    yield f"DNS records for {domain}, the domain of MAIL_DEFAULT_SENDER."
    yield "Nothing was looked up: compare them with what the DNS has, or give this list to whoever runs it."
    yield ""
    yield "SPF says which machines send mail of this domain. There may be only one such record: if there is one"
    yield f"already, add {server} to it. A server that hands mail on to a provider needs the provider's include: too."
    yield f'    {domain}. TXT "v=spf1 {server} -all"'
    yield ""
    yield "DKIM signs each mail, so that nobody can change it or write in your name. Plenary does not sign: the mail"
    yield f"server has to, for d={domain}, and over List-Unsubscribe and List-Unsubscribe-Post too: without that, mail"
    yield "programs offer nobody to unsubscribe. Its operator tells you the selector and the public key."
    yield f'    SELECTOR._domainkey.{domain}. TXT "v=DKIM1; k=rsa; p=PUBLIC-KEY"'
    yield ""
    yield "DMARC says what receivers do with mail in your name that neither SPF nor DKIM vouches for. Begin with none,"
    yield "read the reports that come, then write quarantine, and at last reject."
    yield f'    _dmarc.{domain}. TXT "v=DMARC1; p=none; rua=mailto:postmaster@{domain}"'
    yield ""
    yield "PTR leads from the address of the machine that sends into the world to its name, and the name has to lead"
    yield "back. Whoever gave you the address sets it."
    yield f"    address of {name} PTR {name if name[-1:].isalpha() else SERVERS_NAME}."


def _mechanism(server: str) -> str:
    """Return what SPF calls a mail server."""
    try:
        address = ip_address(server)
    except ValueError:
        return f"a:{server if '.' in server else SERVERS_NAME}"
    return f"ip{address.version}:{address}" if address.is_global else f"a:{SERVERS_NAME}"
