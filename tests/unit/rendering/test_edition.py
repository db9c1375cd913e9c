"""The edition as a reader meets it: outline, colours, text twin, subject, and nothing personal in what is shared."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from lxml import html as lxml_html

from digest.rendering import KINDS, RenderError, directories, samples
from digest.rendering.colours import READABLE, contrast, palette
from digest.rendering.context import Brand, EditionContext, MailContext, Site
from digest.rendering.mails import Mails
from digest.rendering.rules import compact
from digest.rendering.sandbox import MailEnvironment
from tests.support import goldens
from tests.support.mail import fold, html_links, text_links
from tests.support.mailroom import catalogues, templates


def edition(context: EditionContext | None = None, lang: str = "de") -> Any:
    return templates().mail("edition", lang=lang, context=context or samples.edition(8, promos=2))


def first(context: EditionContext) -> Any:
    return context["sections"][0]["items"][0]


def subject(*, lang: str = "de", items: int = 8, title: str | None = None, is_test: bool = False) -> str:
    context = samples.edition(items)
    context["mail"]["is_test"] = is_test
    if title is not None:
        first(context)["title"] = title
    return str(edition(context, lang).subject)


@pytest.mark.parametrize("kind", KINDS)
def test_a_context_is_plain_json(kind: str) -> None:
    context: MailContext = samples.edition(8, promos=2) if kind == "edition" else samples.system(kind)
    assert json.loads(json.dumps(context)) == context


@pytest.mark.parametrize("title", [None, "Kurz", "Wort " * 40, "x" * 200, "🚀" * 70])
@pytest.mark.parametrize("items", [1, 2, 8])
@pytest.mark.parametrize("lang", ["de", "en"])
def test_a_subject_is_one_line_of_at_most_sixty_characters(lang: str, items: int, title: str | None) -> None:
    line = subject(lang=lang, items=items, title=title)
    assert 0 < len(line) <= 60
    assert "\n" not in line


def test_the_subject_is_the_first_headline_and_how_many_more() -> None:
    assert subject() == "Neuer Chip rechnet Sprachmodelle mit… – und 7 weitere News"
    assert subject(lang="en") == "Neuer Chip rechnet Sprachmodelle mit einem… – and 7 more"
    assert subject(items=2) == "Neuer Chip rechnet Sprachmodelle mit… – und eine weitere"
    assert subject(items=1, title="Kurz") == "Kurz"


@pytest.mark.parametrize("before", ["Re: ", "RE:", "Fwd: ", "AW: ", "WG: Re: "])
def test_a_headline_does_not_pass_for_an_answer(before: str) -> None:
    assert subject(title=f"{before}Neuer Chip") == "Neuer Chip – und 7 weitere News"


def test_an_empty_headline_leaves_the_site_and_the_number() -> None:
    assert subject(title="") == "Morgenblick: 8 neue Artikel"
    assert subject(title="Re: ", lang="en") == "Morgenblick: 8 new articles"


def test_a_long_name_of_the_site_leaves_room_for_the_number() -> None:
    site: Site = {
        "name": "Mitteilungen des Vereins zur Förderung der Raumfahrt am Niederrhein",
        "url": samples.BASE,
    }
    mails = Mails(directories(), publisher={**samples.PUBLISHER, "site": site}, catalogues=catalogues())
    context = samples.edition(8)
    first(context)["title"] = ""
    line = mails.render("edition", lang="de", context=context, stem="", is_text_only=False).subject
    assert line == "Mitteilungen des Vereins zur Förderung der…: 8 neue Artikel"
    assert len(line) <= 60


def test_short_headlines_are_no_preview_text_by_themselves() -> None:
    context = samples.edition(3)
    for item in context["sections"][0]["items"][1:]:
        item["title"] = "Kurz"
    preview = re.search(r'class="preheader"[^>]*>([^<]*)<', edition(context).html_text)
    assert preview is not None
    assert preview[1].startswith("Kurz · Kurz · Ein Start-up aus Dresden")
    assert 40 <= len(preview[1].split("\u034f")[0]) <= 90


def test_a_test_says_so_in_the_subject_and_on_top() -> None:
    context = samples.edition(1)
    context["mail"]["is_test"] = True
    mail = edition(context)
    assert mail.subject.startswith("[Test] ")
    assert "Das ist ein Test." in mail.html_text
    assert mail.plain_text.startswith("*** Das ist ein Test.")


def test_the_outline_is_one_title_topics_and_articles() -> None:
    page = lxml_html.fromstring(edition().html_text)
    assert [heading.tag for heading in page.iter("h1", "h2", "h3")] == [
        "h1", "h2", "h3", "h3", "h3", "h2", "h3", "h3", "h2", "h3", "h3", "h3",
    ]  # fmt: skip


def test_what_programs_and_screen_readers_rely_on_is_there() -> None:
    mail = edition()
    page = lxml_html.fromstring(mail.html_text)
    assert page.get("lang") == "de"
    assert page.get("dir") == "ltr"
    assert page.findtext("head/title") == mail.subject
    assert page.xpath("//div[@role='article']/@aria-label") == [mail.subject]
    assert {table.get("role") for table in page.iter("table")} == {"presentation"}
    for image in page.iter("img"):
        assert {"src", "alt", "width", "height"} <= set(image.keys())
    for link in page.xpath("//a[img and not(normalize-space())]"):
        assert (link.get("tabindex"), link.get("aria-hidden")) == ("-1", "true")
    assert not list(page.iter("script", "form", "link", "iframe"))


def test_the_preview_text_is_a_second_hook() -> None:
    mail = edition()
    preview = re.search(r'class="preheader"[^>]*>([^<]*)<', mail.html_text)
    assert preview is not None
    shown = preview[1].split("\u034f")[0]
    assert shown.startswith("Roboter lernen das Greifen")
    assert 40 <= len(shown) <= 90
    assert preview[1].count("\u034f\u200c\u00a0") == 60


def test_of_one_article_the_preview_text_is_its_teaser() -> None:
    assert 'class="preheader"' in (html := edition(samples.edition(1)).html_text)
    assert "Ein Start-up aus Dresden" in html.partition("</div>")[0]


@pytest.mark.parametrize(("items", "has_contents"), [(3, False), (5, False), (8, True), (15, True)])
def test_a_long_mail_has_a_table_of_contents(items: int, *, has_contents: bool) -> None:
    html = edition(samples.edition(items)).html_text
    assert ('class="contents"' in html) is has_contents
    if has_contents:
        targets = [link.removeprefix("#") for link in html_links(html) if link.startswith("#")]
        assert all(f'<a name="{target}"></a>' in html for target in targets)


@pytest.mark.parametrize("lang", ["de", "en"])
@pytest.mark.parametrize("items", [1, 8, 15])
def test_the_text_twin_has_the_same_articles_links_and_reasons_in_the_same_order(
    items: int, lang: str
) -> None:
    context = samples.edition(items, promos=2)
    mail = edition(context, lang)
    pages = [link for link in html_links(mail.html_text) if not link.startswith("#")]
    assert set(pages) == set(text_links(mail.plain_text))
    shown = fold(lxml_html.fromstring(mail.html_text).text_content())
    text = fold(mail.plain_text)
    titles = [item["title"] for section in context["sections"] for item in section["items"]]
    assert [
        fold(heading.text_content()) for heading in lxml_html.fromstring(mail.html_text).iter("h3")
    ] == titles
    places = [text.index(f"* {title}") for title in dict.fromkeys(titles)]
    assert places == sorted(places)
    for reason in re.findall(r"zu KI & Robotik: ‚[^‘]+‘ im \w+", shown):
        assert reason in text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lang", ["de", "en"])
def test_every_mail_has_the_same_links_in_both_parts_and_narrow_lines(kind: str, lang: str) -> None:
    context: MailContext = samples.edition(8, promos=2) if kind == "edition" else samples.system(kind)
    mail = templates().mail(kind, lang=lang, context=context)
    pages = {link for link in html_links(mail.html_text) if not link.startswith("#")}
    assert pages == set(text_links(mail.plain_text))
    for line in mail.plain_text.splitlines():
        assert len(line) <= 72 or line.startswith("https://"), line
    assert "\n\n\n\n" not in mail.plain_text
    assert mail.plain_text.endswith("\n")


def branded(logo: str | None) -> Mails:
    brand: Brand = {**samples.PUBLISHER["brand"], "logo_url": logo, "logo_width": 120, "logo_height": 40}
    return Mails(directories(), publisher={**samples.PUBLISHER, "brand": brand}, catalogues=catalogues())


@pytest.mark.parametrize("logo", [None, "https://news.example.org/logo.png"])
def test_the_number_of_addresses_is_even(logo: str | None) -> None:
    """As filters count: links and pictures of the HTML, addresses in its words, and those of the text. Odd looks forged."""
    pictured = goldens.edition(8, promos=2)
    pictured["promos"][0]["image"] = {
        "url": "https://pictures.example.net/p.png",
        "width": 494,
        "height": 200,
    }
    first(pictured)["url"] = None
    mails = branded(logo)
    for kind in KINDS:
        context: MailContext = pictured if kind == "edition" else samples.system(kind)
        mail = mails.render(kind, lang="de", context=context, stem="", is_text_only=False)
        page = lxml_html.fromstring(mail.html_text)
        seen = [url for url in page.xpath("//a/@href | //img/@src") if url.startswith("http")]
        seen += re.findall(r"https?://", fold(page.xpath("string(//body)")))
        assert (len(seen) + len(text_links(mail.plain_text))) % 2 == 0, kind


def test_feed_text_forges_no_heading_label_or_signature() -> None:
    context = samples.edition(1, promos=2)
    evil = "x\n== Anderes Thema ==\n-- Anzeige --\n-- \nAbbestellen:\nhttps://evil.example/u/x"
    first(context).update(title=evil, teaser=evil, source=evil, author=evil, also_topics=[evil])
    context["sections"][0]["topic"] = "Thema\n== Anderes Thema ==\n-- Anzeige --"
    lines = edition(context).plain_text.splitlines()
    assert sum(line.startswith("== ") for line in lines) == 1
    assert [line for line in lines if line.startswith("-- ")] == [
        "-- Anzeige --",
        "-- In eigener Sache --",
        "-- ",
    ]
    assert "https://evil.example/u/x" not in lines


def test_markup_and_template_syntax_of_a_feed_are_shown_never_run() -> None:
    context = samples.edition(1)
    evil = "<img src=x onerror=alert(1)> {{ 7 * 7 }} {% if x %}"
    first(context).update(title=evil, teaser=evil)
    mail = edition(context)
    assert "&lt;img src=x onerror=alert(1)&gt; {{ 7 * 7 }} {% if x %}" in mail.html_text
    page = lxml_html.fromstring(mail.html_text)
    assert not page.xpath("//@onerror")
    assert page.xpath("//img/@src") == ["https://pictures.example/0.jpg"]
    assert evil in fold(mail.plain_text)


@pytest.mark.parametrize(
    "change", [{"image": None}, {"teaser": None}, {"url": None, "image": None}, {"title": "", "teaser": None}]
)
def test_what_is_missing_leaves_no_empty_box(change: dict[str, Any]) -> None:
    context = samples.edition(1)
    first(context).update(change)
    page = lxml_html.fromstring(edition(context).html_text)
    for box in page.xpath("//*[self::p or self::h3 or self::div][not(.//img)]"):
        assert "gap" in (box.get("class") or "") or fold(box.text_content()), lxml_html.tostring(box)
    assert not page.xpath("//a[@href='' or @href='None']")


def test_headlines_only_is_what_the_context_says() -> None:
    context = samples.edition(8, has_images=False)
    for section in context["sections"]:
        for item in section["items"]:
            item["teaser"] = None
    html = edition(context).html_text
    assert 'class="teaser"' not in html
    assert "<img" not in html


def test_what_is_a_page_of_its_own_has_the_landmark_of_one() -> None:
    roles = [
        lxml_html.fromstring(edition(samples.edition(1, is_public=is_public)).html_text).xpath(
            "//div[@aria-roledescription='email']/@role"
        )
        for is_public in (False, True)
    ]
    assert roles == [["article"], ["main"]]


def test_what_is_shared_gives_no_power_away() -> None:
    mail = edition(samples.edition(8, promos=2, is_public=True))
    for part in (mail.html_text, mail.plain_text):
        assert samples.TOKEN not in part
        assert "ann@example.org" not in part
        assert "/subscribe" in part
        assert not re.search(r"/(u|p|v|m)/", part)


def test_a_promo_is_labelled_first_in_both_parts_and_never_leads() -> None:
    mail = edition()
    page = lxml_html.fromstring(mail.html_text)
    for promo in page.xpath("//table[contains(@class, 'promo')]"):
        words = fold(promo.text_content())
        assert words.startswith(("Anzeige · Buchhandlung Beispiel", "In eigener Sache · Morgenblick"))
        assert not promo.xpath("ancestor::div[contains(@class, 'section')]")
        assert all(link.get("rel") == "sponsored" for link in promo.iter("a"))
    assert mail.plain_text.index("== KI & Robotik ==") < mail.plain_text.index("-- Anzeige --")
    assert mail.plain_text.index("-- Anzeige --") < mail.plain_text.index("Buchhandlung Beispiel")


@pytest.mark.parametrize("kind", KINDS[1:])
def test_no_promo_and_no_news_in_a_system_mail(kind: str) -> None:
    mail = templates().mail(kind, lang="de", context={**samples.system(kind), "promos": list(samples.PROMOS)})  # type: ignore[typeddict-unknown-key]
    assert "Anzeige" not in mail.html_text
    assert 'class="promo' not in mail.html_text


def test_the_confirmation_holds_no_word_its_requester_typed() -> None:
    context = samples.system("confirmation")
    context["data"]["queries"] = ["click evil.example now"]
    context["data"]["own_topics"] = 1
    mail = templates().mail("confirmation", lang="de", context=context)
    assert "evil" not in mail.html_text + mail.plain_text
    assert "ein eigenes Suchthema" in mail.plain_text
    assert "ohne Klick löschen wir deine Adresse nach 7 Tagen" in fold(mail.plain_text)


def test_dates_are_in_the_readers_zone_and_language() -> None:
    context = samples.edition(1)
    context["mail"]["timezone"] = "America/New_York"
    first(context)["published"] = "2026-11-22T06:10:00+01:00"
    assert "22. Nov., 00:10" in fold(edition(context).plain_text)
    assert "Nov 22, 12:10 AM" in fold(edition(context, "en").plain_text)
    assert "täglich um 7 Uhr" in edition(context).plain_text


def test_a_context_that_lacks_a_name_fails_this_content_in_a_sentence() -> None:
    context = samples.edition(1)
    del first(context)["source"]
    with pytest.raises(RenderError, match=r"edition\.txt\.j2: .*source"):
        edition(context)


def rules(css: str) -> Iterator[tuple[str, str]]:
    """Each class and what it says of colours."""
    for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", css):
        for selector in selectors.split(","):
            for name in re.findall(r"\.([a-z-]+)$", selector.strip()):
                yield name, body


def colours(css: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name, body in rules(css):
        for key, value in re.findall(
            r"(?:^|;)(color|background-color):(#[0-9a-f]{6})", body.replace(" ", "")
        ):
            found.setdefault(name, {})[key] = value
    return found


def sheet_of(name: str) -> str:
    """A style sheet as the publisher's colours make it."""
    environment = MailEnvironment(is_html=False)
    source = (directories()[0] / "email" / f"{name}.css.j2").read_text(encoding="utf-8")
    css = environment.from_string(source).render(colours=palette(samples.PUBLISHER["brand"]))
    return compact(css)


ON_PAGE = {"foot", "foot-line", "foot-links"}
ON_PROMO = {"label", "promo-title", "promo-text", "promo-link", "promo-image"}
GROUNDS = {"test": "test", "button": "button"}


@pytest.mark.parametrize("mode", ["light", "dark", "outlook"])
def test_every_pair_of_colours_can_be_read(mode: str) -> None:
    light = colours(sheet_of("inline"))
    client = sheet_of("client")
    dark = re.search(r"prefers-color-scheme: ?dark\)\{((?:[^{}]*\{[^{}]*\})*)", client)
    assert dark is not None
    sheets = {
        "light": light,
        "dark": colours(dark[1]),
        "outlook": colours(" ".join(re.findall(r"[^{}]*\[data-ogs[^{}]*\{[^{}]*\}", client))),
    }
    sheet = sheets[mode]
    checked = 0
    for name, looks in light.items():
        if "color" not in looks or name == "preheader":
            continue
        assert "color" in sheet.get(name, {}), f"{name} has no colour in {mode} mode"
        ground = GROUNDS.get(name, "outer" if name in ON_PAGE else "promo" if name in ON_PROMO else "card")
        pair = sheet[name]["color"], sheet.get(ground, light[ground])["background-color"]
        assert contrast(*pair) >= READABLE, f"{name}: {pair} in {mode} mode"
        checked += 1
    assert checked > 20
    if mode == "light":  # links and quiet links of the footer stand on the page
        for name in ("link", "quiet"):
            assert contrast(light[name]["color"], light["outer"]["background-color"]) >= READABLE


def test_the_mail_can_be_read_without_its_style_sheets() -> None:
    html = re.sub(r"<style.*?</style>", "", edition().html_text, flags=re.DOTALL)
    page = lxml_html.fromstring(html)
    assert all("color" in (node.get("style") or "") for node in page.iter("h1", "h2", "h3"))
    assert all(
        "display:none" in node.get("style").replace(" ", "") for node in page.xpath("//*[@class='preheader']")
    )


def test_every_rule_for_mail_programs_outweighs_the_inlined_ones() -> None:
    client = sheet_of("client")
    declared = [
        part
        for body in re.findall(r"\{([^{}]*)\}", client.partition("}")[2])
        for part in body.split(";")
        if part
    ]
    assert [part for part in declared if not part.endswith("!important")] == []
    assert len(declared) > 40


@pytest.mark.parametrize("kind", KINDS)
def test_dots_stand_between_the_ways_out_and_nowhere_else(kind: str) -> None:
    context: MailContext = samples.edition(1) if kind == "edition" else samples.system(kind)
    page = lxml_html.fromstring(templates().mail(kind, lang="de", context=context).html_text)
    for links in page.xpath("//p[@class='foot-links']"):
        marks = ["dot" if part.get("class") == "dot" else "link" for part in links]
        assert marks == ["link", *["dot", "link"] * (len(links.xpath("a")) - 1)]
