"""Nothing leaves that a reader could not use: sizes are bounded before rendering and looked at after it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.rendering import KINDS, LIMIT, Report, directories, edition_bound, inspect, samples
from digest.rendering.cards import Fragment
from digest.rendering.context import EditionContext
from digest.rendering.mails import Mails
from digest.rendering.sizes import section_bound
from tests.support.mailroom import catalogues, templates

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=200)


def report(
    context: EditionContext, *, html: tuple[str, str] = ("", ""), text: tuple[str, str] = ("", "")
) -> Report:
    """The report on an edition in which some of the HTML or text was replaced."""
    mail = templates().mail("edition", lang="de", context=context)
    changed = replace(
        mail,
        html=(Fragment(mail.html_text.replace(*html) if html[0] else mail.html_text, ""),),
        text=(Fragment(mail.plain_text.replace(*text) if text[0] else mail.plain_text, ""),),
    )
    return inspect(changed, context=context, publisher=samples.PUBLISHER)


@pytest.mark.parametrize("lang", ["de", "en"])
@pytest.mark.parametrize("items", [1, 8, 15])
def test_the_shipped_edition_has_no_fault_and_is_in_bounds(items: int, lang: str) -> None:
    context = samples.edition(items, promos=2)
    mail = templates().mail("edition", lang=lang, context=context)
    assert inspect(mail, context=context, publisher=samples.PUBLISHER) == Report((), ())
    assert len(mail.html_text.encode()) < 50_000


@pytest.mark.parametrize("lang", ["de", "en"])
@pytest.mark.parametrize("kind", KINDS[1:])
def test_the_shipped_system_mails_have_no_fault(kind: str, lang: str) -> None:
    context = samples.system(kind)
    mail = templates().mail(kind, lang=lang, context=context)
    assert inspect(mail, context=context, publisher=samples.PUBLISHER) == Report((), ())


FAULTS: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "the HTML part lacks the unsubscribe link": (("/u/", "/x/"), ("", "")),
    "the text part lacks the unsubscribe link": (("", ""), ("/u/", "/x/")),
    "the HTML part lacks the imprint": (("Beispielweg", "Nirgendweg"), ("", "")),
    "the text part lacks the imprint": (("", ""), ("Beispielweg", "Nirgendweg")),
    "the HTML part lacks the promo label": (("Anzeige", "Tipp"), ("", "")),
    "the text part lacks the promo label": (("", ""), ("Anzeige", "Tipp")),
    "a link leads to neither http(s) nor a place in the mail": (
        ('href="https://articles', 'href="ftp://articles'),
        ("", ""),
    ),
    "a mailto: link leads to somebody who is not in the imprint": (
        ('href="https://articles.example/2026/11/3?a=1&amp;b=2"', 'href="mailto:eve@example.org"'),
        ("", ""),
    ),
    "a picture does not come over https": (('src="https://pictures', 'src="http://pictures'), ("", "")),
    "a picture has no alt, width or height": (('alt=""', 'class=""'), ("", "")),
    "a table has no role: screen readers would read it as data": (
        ('role="presentation" class="card"', 'class="card"'),
        ("", ""),
    ),
    "the HTML part has no main heading": (("<h1", "<p"), ("", "")),
}


@pytest.mark.parametrize(("fault", "html", "text"), [(fault, *changes) for fault, changes in FAULTS.items()])
def test_each_fault_is_told(fault: str, html: tuple[str, str], text: tuple[str, str]) -> None:
    assert fault in report(samples.edition(8, promos=2), html=html, text=text).errors


def test_a_preview_text_of_nothing_but_padding_is_no_preview_text() -> None:
    context = samples.edition(1)
    context["edition"]["preheader"] = " \u034f\u200c "
    assert "the HTML part has no preview text" in report(context).errors


def test_a_mail_without_subject_or_text_is_a_stub() -> None:
    context = samples.edition(1)
    mail = replace(
        templates().mail("edition", lang="de", context=context),
        subject="[Test] ",
        text=(Fragment("x\n", ""),),
    )
    errors = inspect(mail, context=context, publisher=samples.PUBLISHER).errors
    assert "the subject is empty" in errors
    assert any("looks like a stub" in error for error in errors)


@pytest.mark.parametrize(("items", "is_error"), [(24, False), (36, False), (72, True)])
def test_a_mail_that_programs_would_clip_is_held(items: int, *, is_error: bool) -> None:
    found = report(samples.edition(items))
    assert any("clip" in error for error in found.errors) is is_error


def test_a_large_mail_is_a_warning() -> None:
    assert any("octets" in warning for warning in report(samples.edition(54)).warnings)


def test_parts_that_link_to_different_pages_are_a_warning() -> None:
    found = report(samples.edition(8), text=("https://articles.example/2026/11/3?a=1&b=2\n", ""))
    assert found.errors == ()
    assert found.warnings == ("HTML and text part link to different pages: 1 only in HTML, 0 only in text",)


def test_names_with_quotes_and_spaces_are_found_where_they_stand() -> None:
    name = 'O\'Neil  & "Söhne"'
    publisher = {
        **samples.PUBLISHER,
        "imprint": {**samples.PUBLISHER["imprint"], "name": name, "address": [name]},
    }
    mails = Mails(directories(), publisher=publisher, catalogues=catalogues())  # type: ignore[arg-type]  # a Publisher
    context = samples.edition(8, promos=2)
    context["promos"][0] = {**context["promos"][0], "advertiser": name}
    mail = mails.render("edition", lang="de", context=context, stem="", is_text_only=False)
    assert inspect(mail, context=context, publisher=publisher).errors == ()  # type: ignore[arg-type]  # a Publisher


def test_a_reason_quotes_no_link() -> None:
    found = report(samples.edition(8), html=("/u/", "/x/"))
    assert not any(samples.TOKEN in error for error in found.errors)


def test_a_picture_from_this_machine_needs_no_certificate() -> None:
    found = report(samples.edition(8), html=("https://pictures.example", "http://127.0.0.1:8000"))
    assert found.errors == ()


@st.composite
def editions(draw: st.DrawFn) -> EditionContext:
    """Editions with texts of any kind in every field."""
    context = samples.edition(
        draw(st.integers(1, 12)), has_images=draw(st.booleans()), promos=draw(st.integers(0, 2))
    )
    for section in context["sections"]:
        section["topic"] = draw(TEXT)
        for item in section["items"]:
            change: dict[str, Any] = {name: draw(TEXT) for name in ("title", "teaser", "source", "author")}
            item.update(change)  # type: ignore[typeddict-item]  # the names are Item's
            item["reason"] = {
                "topic": draw(TEXT),
                "field": draw(st.sampled_from(["title", "body", "lead"])),
                "term": draw(TEXT),
            }
    return context


@given(editions(), st.sampled_from(["de", "en"]))
@settings(max_examples=25, deadline=None)
def test_the_bound_is_never_below_the_size(context: EditionContext, lang: str) -> None:
    mail = templates().mail("edition", lang=lang, context=context)
    assert len(mail.html_text.encode()) <= edition_bound(context)


def test_the_bound_is_close_enough_to_be_of_use() -> None:
    for items in (1, 8, 15, 24):
        context = samples.edition(items, promos=2)
        size = len(templates().mail("edition", lang="de", context=context).html_text.encode())
        assert size <= edition_bound(context) <= 1.5 * size
    assert edition_bound(samples.edition(24)) <= LIMIT
    assert sum(map(section_bound, samples.edition(8)["sections"])) < edition_bound(samples.edition(8))


def test_the_bound_holds_for_many_articles_that_show_all_they_can() -> None:
    context = samples.edition(80)
    for section in context["sections"]:
        for item in section["items"]:
            item.update(
                title="t", url="https://a.example", teaser="x", author="a", minutes=88, is_carried=True, also_topics=["z"],
                same_story=[{"source": "s", "url": "https://s.example"}] * 4,
                searches=[{"name": "n", "url": "https://n.example"}] * 2,
                image={"url": "https://p.example/1.png", "width": 1, "height": 1},
            )  # fmt: skip
    size = len(templates().mail("edition", lang="de", context=context).html_text.encode())
    assert size <= edition_bound(context)
