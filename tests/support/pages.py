"""Pages as people get them: parsed, and checked for what holds on every page of the house."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias
from urllib.parse import urljoin, urlsplit

from bs4 import BeautifulSoup, Tag
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

Value: TypeAlias = str | Iterable[str] | bool | None

SILENT_INPUTS = ("hidden", "submit", "button", "reset", "image")
"""Inputs that need no label: nobody sees them, or they carry their own words."""
ADDRESSES = ("href", "src", "action", "formaction", "data", "poster", "xlink:href")
"""Attributes that a browser follows."""
LOADED = {
    "script": ("src",),
    "link": ("href",),
    "img": ("src", "srcset"),
    "source": ("src", "srcset"),
    "iframe": ("src",),
    "video": ("src", "poster"),
    "audio": ("src",),
    "embed": ("src",),
    "object": ("data",),
}
"""What a browser fetches by itself, without a click."""


class Page:
    """An HTML response. Making one fails if the page breaks a rule of all pages: see `faults_in`."""

    def __init__(self, response: TestResponse) -> None:
        self.response = response
        self.status = response.status_code
        self.url = response.request.url
        self.html = BeautifulSoup(response.get_data(as_text=True), "html.parser")
        faults = list(faults_in(self.html, self.url))
        assert not faults, "\n".join([f"{response.request.method} {self.url} ({self.status}):", *faults])

    @property
    def title(self) -> str:
        """The words of the window's title."""
        return words(self.one("title"))

    @property
    def heading(self) -> str:
        """The words of the one h1."""
        return words(self.one("h1"))

    @property
    def text(self) -> str:
        """All words of the body, with single spaces between them."""
        return words(self.one("body"))

    def one(self, selector: str) -> Tag:
        """The only element that fits a CSS selector."""
        found = self.all(selector)
        assert len(found) == 1, f"{len(found)} elements of {self.url} fit {selector!r}, not 1"
        return found[0]

    def all(self, selector: str) -> list[Tag]:
        """The elements that fit a CSS selector, in the page's order."""
        return list(self.html.select(selector))

    def texts(self, selector: str) -> list[str]:
        """The words of each of them."""
        return [words(element) for element in self.all(selector)]

    def link(self, text: str) -> str:
        """Where the only link with these words leads: an absolute address."""
        found = [link for link in self.all("a[href]") if words(link) == text]
        assert len(found) == 1, f"{len(found)} links read {text!r}, not 1: {self.texts('a[href]')}"
        return urljoin(self.url, str(found[0]["href"]))

    def form(self, selector: str = "main form") -> Form:
        """The only form that fits a CSS selector, filled in as the page shows it."""
        return Form(self, self.one(selector))

    def error_of(self, name: str) -> str:
        """What is said beside the field `name`: the words of the elements that its aria-describedby names, or that of
        the group of boxes it is in."""
        fields = self.all(f'[name="{name}"]')
        assert fields, f"{self.url} has no field {name!r}"
        field: Tag | None = fields[0]
        if field and field.get("aria-invalid") != "true":
            field = field.find_parent("fieldset", class_="faulty")
        assert field, f"the field {name!r} is not marked as wrong"
        ids = str(field.get("aria-describedby", "")).split()
        return " ".join(words(self.one(f'[id="{one}"]')) for one in ids)


class Form:
    """A form as a browser would send it, with the values the page gave it."""

    def __init__(self, page: Page, element: Tag) -> None:
        self.page = page
        self.element = element
        self.method = str(element.get("method", "get")).upper()
        self.action = urljoin(page.url, str(element["action"]))
        self.values: MultiDict[str, str] = MultiDict(_sent_values(element))

    def fill(self, values: Mapping[str, Value]) -> Form:
        """Set fields, which have to exist; True ticks a lone box, None or False leaves a field out."""
        for name, value in values.items():
            fields = self.element.select(f'[name="{name}"]')
            assert fields, f"the form has no field {name!r}; it has {sorted(self.names())}"
            self.values.setlist(name, _as_texts(value, fields[0]))
        return self

    def names(self) -> set[str]:
        """The names of all its fields."""
        return {str(field["name"]) for field in self.element.select("[name]")}


def words(element: Tag) -> str:
    """The text of an element with single spaces, as a reader sees it."""
    return " ".join(element.get_text().split())


def faults_in(html: BeautifulSoup, url: str) -> Iterator[str]:
    """What breaks a rule of all pages, each as a sentence."""
    yield from _faults_in_frame(html)
    yield from _faults_in_ids(html)
    yield from _faults_in_forms(html)
    yield from _faults_in_scripts_and_styles(html)
    yield from _faults_in_addresses(html, url)


def _faults_in_frame(html: BeautifulSoup) -> Iterator[str]:
    titles = html.select("head > title")
    if len(titles) != 1 or not words(titles[0]):
        yield "the page has no title of its own"
    root = html.html
    if root is None or not root.get("lang") or root.get("dir") not in ("ltr", "rtl"):
        yield "<html> lacks lang or dir"
    if len(html.select("h1")) != 1:
        yield f"the page has {len(html.select('h1'))} h1, not 1"
    for image in html.select("img:not([alt])"):
        yield f"an image has no alt: {image}"


def _faults_in_ids(html: BeautifulSoup) -> Iterator[str]:
    ids = Counter(str(element["id"]) for element in html.select("[id]"))
    for one in (one for one, count in ids.items() if count > 1):
        yield f"the id {one!r} is given {ids[one]} times"
    for attribute in ("for", "aria-labelledby", "aria-describedby"):
        for element in html.select(f"[{attribute}]"):
            for one in str(element[attribute]).split():
                if one not in ids:
                    yield f"{attribute} names the id {one!r}, which nothing has"


def _faults_in_forms(html: BeautifulSoup) -> Iterator[str]:
    for form in html.select("form:not([action])"):
        yield f"a form has no action: {form.attrs}"
    for field in html.select("input, select, textarea"):
        if field.get("type") not in SILENT_INPUTS and not _is_labelled(html, field):
            yield f"a field has no label: {field.attrs}"


def _is_labelled(html: BeautifulSoup, field: Tag) -> bool:
    if field.find_parent("label") or field.get("aria-label") or field.get("aria-labelledby"):
        return True
    labels = html.find_all("label", attrs={"for": str(field["id"])}) if field.get("id") else []
    return any(words(label) for label in labels)


def _faults_in_scripts_and_styles(html: BeautifulSoup) -> Iterator[str]:
    for script in html.select("script:not([src])"):
        if script.get("type") not in ("application/ld+json", "application/json"):
            yield f"a script is inline: {script}"
    for style in html.select("style, [style]"):
        yield f"a style is inline: {style.name} {style.attrs}"
    for element in html.find_all(True):
        for name, value in element.attrs.items():
            leads_to_script = name in ADDRESSES and str(value).strip().lower().startswith("javascript:")
            if name.startswith("on") or leads_to_script:
                yield f"a script is in an attribute: {element.name} {name}={value!r}"


def _faults_in_addresses(html: BeautifulSoup, url: str) -> Iterator[str]:
    for name, attributes in LOADED.items():
        for element in html.find_all(name):
            for attribute in attributes:
                for address in _addresses(str(element.get(attribute, "")), attribute):
                    if urlsplit(urljoin(url, address)).netloc not in ("", urlsplit(url).netloc):
                        yield f"a <{name}> refers to another host: {address}"


def _addresses(value: str, attribute: str) -> list[str]:
    if attribute == "srcset":
        return [part.split()[0] for part in value.split(",") if part.strip()]
    return [value]


def _sent_values(form: Tag) -> Iterator[tuple[str, str]]:
    """What a browser sends if nobody touches the form (HTML, 4.10.22.4), without the buttons."""
    for field in form.select("input[name], select[name], textarea[name]"):
        name = str(field["name"])
        if field.has_attr("disabled"):
            continue
        if field.name == "select":
            yield from ((name, value) for value in _chosen_options(field))
        elif field.name == "textarea":
            yield name, field.get_text().replace("\r\n", "\n").removeprefix("\n")
        elif field.get("type") in ("checkbox", "radio"):
            if field.has_attr("checked"):
                yield name, str(field.get("value", "on"))
        elif field.get("type") not in ("submit", "button", "reset", "image", "file"):
            yield name, str(field.get("value", ""))


def _chosen_options(select: Tag) -> list[str]:
    options = [option for option in select.select("option") if not option.has_attr("disabled")]
    chosen = [option for option in options if option.has_attr("selected")]
    if not chosen and not select.has_attr("multiple"):
        chosen = options[:1]
    return [str(option.get("value", words(option))) for option in chosen]


def _as_texts(value: Value, field: Tag) -> list[str]:
    if value is None or value is False:
        return []
    if value is True:
        return [str(field.get("value", "on"))]
    return [value] if isinstance(value, str) else list(value)
