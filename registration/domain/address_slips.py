"""Slips of the keyboard in the domain of a mail address: gmial.com for gmail.com. They are asked about, never mended.

A domain is compared with those of the large mailbox providers by optimal string alignment (rapidfuzz): letters left
out, put in, replaced, or two neighbours exchanged count one each. See docs/decisions/0012.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from rapidfuzz.distance import OSA

EVERYWHERE = {
    "hotmail": "com at be ca ch cl co.id co.il co.jp co.kr co.nz co.th co.uk co.za com.ar com.au com.br com.hk com.mx"
    " com.sg com.tr com.tw com.vn cz de dk es fi fr gr hu it nl no ph pt ru se",
    "live": "com at be ca cl cn co.kr co.uk co.za com.ar com.au com.mx com.my com.pt com.sg de dk fi fr hk ie in it jp"
    " nl no ph ru se",
    "outlook": "com at be cl co.id co.il co.nz co.th com.ar com.au com.br com.gr com.pe com.tr com.vn cz de dk es fr hu"
    " ie in it jp kr lv my ph pt sa sg sk",
    "yahoo": "com at be ca ch cl cn co.id co.il co.in co.jp co.kr co.nz co.th co.uk co.za com.ar com.au com.br com.cn"
    " com.co com.hk com.mx com.my com.pe com.ph com.sg com.tr com.tw com.ua com.ve com.vn cz de dk es fi fr gr hr hu"
    " ie in it nl no pl pt ro ru se",
    "gmx": "com at ch co.uk de es eu fr info it li net org us",
    "yandex": "com by com.tr kz ru ua",
    "rambler": "ru ua",
    "tutanota": "com de",
    "protonmail": "com ch",
    "bk": "ru",
    "tiscali": "it co.uk",
    "orange": "fr es pl",
}
"""{name: the ends under which it gives out mailboxes}"""
PROVIDERS = (
    *(f"{name}.{end}" for name, ends in EVERYWHERE.items() for end in ends.split()),
    *("gmail.com", "googlemail.com", "msn.com", "aol.com", "icloud.com", "me.com", "mac.com", "ymail.com"),
    *("rocketmail.com", "mail.com", "email.com", "zoho.com", "zohomail.com", "fastmail.com", "hushmail.com"),
    *("proton.me", "pm.me", "tuta.io", "tuta.com", "hey.com", "inbox.com", "usa.com", "comcast.net", "verizon.net"),
    *("att.net", "sbcglobal.net", "bellsouth.net", "cox.net", "earthlink.net", "shaw.ca"),
    *("sympatico.ca", "videotron.ca", "web.de", "t-online.de", "freenet.de", "arcor.de", "posteo.de", "mailbox.org"),
    *("bluewin.ch", "free.fr", "laposte.net", "sfr.fr", "wanadoo.fr", "neuf.fr", "bbox.fr", "libero.it", "virgilio.it"),
    *("alice.it", "tin.it", "telefonica.net", "telenet.be", "skynet.be", "ziggo.nl", "kpnmail.nl", "xs4all.nl"),
    *("btinternet.com", "sky.com", "virginmedia.com", "ntlworld.com", "talktalk.net", "blueyonder.co.uk", "eircom.net"),
    *("sapo.pt", "onet.pl", "wp.pl", "interia.pl", "o2.pl", "seznam.cz", "centrum.cz", "azet.sk", "abv.bg", "mail.bg"),
    *("freemail.hu", "citromail.hu", "mail.ru", "list.ru", "inbox.ru", "ya.ru", "ukr.net", "i.ua", "inbox.lv"),
    *(
        "mynet.com",
        "walla.co.il",
        "walla.com",
        "maktoob.com",
        "qq.com",
        "foxmail.com",
        "163.com",
        "126.com",
        "yeah.net",
    ),
    *("sina.com", "sina.cn", "sohu.com", "139.com", "189.cn", "aliyun.com", "naver.com", "hanmail.net", "daum.net"),
    *("kakao.com", "nate.com", "docomo.ne.jp", "ezweb.ne.jp", "softbank.ne.jp", "nifty.com", "rediffmail.com"),
    *("rediff.com", "indiatimes.com", "bigpond.com", "optusnet.com.au", "xtra.co.nz", "webmail.co.za", "mweb.co.za"),
    *("uol.com.br", "bol.com.br", "terra.com.br", "ig.com.br", "globo.com", "prodigy.net.mx", "un.org", "undp.org"),
)
"""Domains of which people have many addresses; no question is asked of them."""
NEIGHBOURS = frozenset(
    {
        *("cloud.com", "zmail.com", "fmail.com", "hmail.com", "jmail.com", "tmail.com", "qmail.com", "umail.com"),
        *("kmail.com", "xmail.com", "vmail.com", "bmail.com", "cmail.com", "nmail.com", "gmail.org", "imail.com"),
        *("yaboo.com", "photon.me", "hotmails.com", "lotmail.com", "grange.fr", "outlooks.com", "rogers.com"),
        *("charter.net",),
    }
)
"""Domains that look like a provider's and are others' own."""
LAST_LABELS = {
    **dict.fromkeys(("con", "cmo", "ocm", "vom", "xom", "cpm", "comm", "coom", "conm", "c0m"), "com"),
    **dict.fromkeys(("ogr", "rog", "orgg", "orq", "prg"), "org"),
    **dict.fromkeys(("nte", "ent", "nett", "ner"), "net"),
}
"""{a last label that the root of the DNS does not have: what was meant}"""
HALF_LABELS = ("co", "cm", "om")
"""Countries' own, and left over from "com" behind the name of a provider that is not at home there."""
SHORTEST, LONG = 6, 8
"""Letters of a provider's name from which one slip is seen, and two. Shorter names have neighbours everywhere."""
SHORT = frozenset({"gmail", "yahoo"})
"""Shorter names that so many people have that a neighbour is a slip."""

_KNOWN = frozenset(PROVIDERS)


def suggestion(address: str) -> str | None:
    """Return the address that was probably meant, or None where nothing looks like a slip.

    `address`: as `personal.mail_address` returns it. What is before the @ stays.
    """
    name, _at, domain = address.rpartition("@")
    meant = _meant(domain.lower())
    return f"{name}@{meant}" if meant else None


def _meant(domain: str) -> str | None:
    if domain in _KNOWN or domain in NEIGHBOURS:
        return None
    mended = _with_last_label(domain)
    found = mended if mended in _KNOWN or mended in NEIGHBOURS else _nearest(mended) or mended
    return found if found != domain else None


def _with_last_label(domain: str) -> str:
    """Return a domain with its last label as it was meant."""
    rest, _dot, last = domain.rpartition(".")
    if last in LAST_LABELS:
        return f"{rest}.{LAST_LABELS[last]}"
    if last in HALF_LABELS and _shows_slips(rest) and f"{rest}.com" in _KNOWN:
        return f"{rest}.com"
    return domain


def _by_end(domains: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return {what follows the first label: the first labels}, of those long enough to see a slip in."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for domain in domains:
        name, _dot, end = domain.partition(".")
        if _shows_slips(name):
            found[end].append(name)
    return {end: tuple(names) for end, names in found.items()}


def _shows_slips(name: str) -> bool:
    return len(name) >= SHORTEST or name in SHORT


_NAMES = _by_end(PROVIDERS)


def _nearest(domain: str) -> str | None:
    """Return the one provider under the same end whose name is nearest, if it is near enough."""
    typed, _dot, end = domain.partition(".")
    near: defaultdict[int, list[str]] = defaultdict(list)
    for name in _NAMES.get(end, ()):
        most = 2 if len(name) >= LONG else 1
        distance = OSA.distance(typed, name, score_cutoff=most)
        if distance <= most:
            near[distance].append(name)
    if not near:
        return None
    best = near[min(near)]
    return f"{best[0]}.{end}" if len(best) == 1 else None
