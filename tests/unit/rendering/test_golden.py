"""Inlining once per template gives the very mail that inlining every mail would give."""

from collections.abc import Iterator
from itertools import product

import html5lib
import pytest
from jinja2 import FileSystemLoader
from lxml import etree

from digest.rendering import KINDS, directories, samples
from digest.rendering.colours import palette
from digest.rendering.context import EditionContext, MailContext
from digest.rendering.inline import transform
from digest.rendering.rules import compact
from digest.rendering.sandbox import MailEnvironment
from tests.support.mail import fold
from tests.support.mailroom import catalogues, mails, templates

HOSTILE = (
    "<script>alert(1)</script>",
    "{{ 7 * 7 }}{% for x in y %}",
    '"><img src=x onerror=alert(1)>',
    "<!-- --> <![endif]--> ]]>",
    "&amp; &lt; &#x27; %(site)s %s %",
    "Bcc: eve@example.org\r\n\r\n== Topic ==\n-- Anzeige --\n-- \n",
    "\u202eetxt.exe\u2066",
    "🚀" * 40,
    "Wort" * 60,
    "",
)


def hostile_edition() -> EditionContext:
    context = samples.edition(len(HOSTILE), promos=2)
    items = [item for section in context["sections"] for item in section["items"]]
    for item, text in zip(items, HOSTILE, strict=True):
        item["title"] = text[:200]
        item["teaser"] = text[:180]
        item["source"] = text or "Quelle"
        item["reason"] = {"topic": text, "field": "title", "term": text}
    context["sections"][0]["topic"] = HOSTILE[0]
    return context


def contexts() -> Iterator[tuple[str, str, MailContext]]:
    for items, has_images, promos in product((1, 8, 15), (True, False), (0, 2)):
        name = f"edition of {items}, images {has_images}, promos {promos}"
        yield name, "edition", samples.edition(items, has_images=has_images, promos=promos)
    yield "public edition", "edition", samples.edition(8, is_public=True)
    yield "hostile edition", "edition", hostile_edition()
    test = samples.edition(1)
    test["mail"]["is_test"] = True
    yield "test edition", "edition", test
    for kind in KINDS[1:]:
        yield kind, kind, samples.system(kind)


# By default every value meets every language once; all that can be combined is for the soak.
USUAL = {
    "edition of 1, images True, promos 0",
    "edition of 8, images False, promos 0",
    "edition of 15, images True, promos 2",
}
CASES = [
    pytest.param(
        lang,
        kind,
        context,
        id=f"{name} {lang}",
        marks=[] if name in USUAL or not name.startswith("edition of") else [pytest.mark.soak],
    )
    for lang in ("de", "en")
    for name, kind, context in contexts()
]


def plainly(kind: str, lang: str, context: MailContext, subject: str) -> str:
    """The mail as Jinja by itself (parents, includes and all) and a run of premailer make it."""
    environment = MailEnvironment(is_html=True)
    environment.loader = FileSystemLoader(directories()[0] / "email")
    values = mails().values(kind, language=catalogues().language(lang), context=context)
    values["mail"]["subject"] = subject
    colours = palette(samples.PUBLISHER["brand"])
    return transform(environment.get_template(f"{kind}.html.j2").render({**values, "colours": colours}))


def shape(html: str) -> list[tuple[str, dict[str, str], str, str]]:
    """Elements and comments in order: name, attributes, text within, text behind."""
    root = etree.fromstring(html, etree.HTMLParser())
    return [
        (
            str(node.tag) if isinstance(node.tag, str) else "comment",
            dict(node.attrib),
            compact(node.text or "") if node.tag == "style" else fold(node.text or ""),
            fold(node.tail or ""),
        )
        for node in root.iter()
    ]


@pytest.mark.parametrize(("lang", "kind", "context"), CASES)
def test_inlining_the_template_equals_inlining_the_mail(lang: str, kind: str, context: MailContext) -> None:
    ours = templates().mail(kind, lang=lang, context=context)
    assert shape(ours.html_text) == shape(plainly(kind, lang, context, ours.subject))


@pytest.mark.parametrize(("lang", "kind", "context"), CASES)
def test_a_strict_parser_finds_no_fault(lang: str, kind: str, context: MailContext) -> None:
    parser = html5lib.HTMLParser(strict=False)
    parser.parse(templates().mail(kind, lang=lang, context=context).html_text)
    assert [error[1] for error in parser.errors] == []


@pytest.mark.parametrize(("lang", "kind", "context"), CASES)
def test_cards_change_no_letter(lang: str, kind: str, context: MailContext) -> None:
    with_cards, without = (
        mails().render(kind, lang=lang, context=context, stem="", is_text_only=False, has_cards=has_cards)
        for has_cards in (True, False)
    )
    assert with_cards.html_text == without.html_text
    assert with_cards.plain_text == without.plain_text
