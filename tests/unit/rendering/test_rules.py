"""Each thing a mail template may not hold is found when it is loaded, by file, line and reason."""

from pathlib import Path

import pytest

from digest.rendering import TemplateError, Templates, directories, samples
from digest.rendering.colours import contrast
from digest.rendering.mails import Mails
from tests.support.mailroom import catalogues

SHIPPED = directories()[0]


def fault(tmp_path: Path, name: str, source: str) -> TemplateError:
    """What loading says about a file that takes the place of a shipped one."""
    (tmp_path / "email").mkdir(exist_ok=True)
    (tmp_path / "email" / name).write_text(source, "utf-8")
    mails = Mails((tmp_path, SHIPPED), publisher=samples.PUBLISHER, catalogues=catalogues())
    with pytest.raises(TemplateError) as caught:
        mails.load("edition")
    return caught.value


def main(body: str) -> str:
    return '{% extends "base.html.j2" %}\n{% block main %}\n' + body + "\n{% endblock %}\n"


BODIES = {
    "<p>\n<script>x</script></p>": (4, "<script>"),
    "<form></form>": (3, "<form>"),
    "<iframe></iframe>": (3, "<iframe>"),
    "<object></object>": (3, "<object>"),
    "<embed>": (3, "<embed>"),
    "<base href='x'>": (3, "<base>"),
    "<pre>x</pre>": (3, "<pre>"),
    "<link rel='stylesheet' href='x'>": (3, "<link>"),
    "<p onclick='x()'>": (3, "onclick"),
    "<a href='javascript:x()'>x</a>": (3, "javascript:"),
    "<img src='data:image/png;base64,x'>": (3, "data:"),
    "<meta http-equiv='refresh' content='0'>": (3, "does not move on"),
    "<p class='{{ mail.kind }}'>x</p>": (3, "no value in class"),
    "<p id='{{ mail.kind }}'>x</p>": (3, "no value in id"),
    "<p style='color:{{ mail.kind }}'>x</p>": (3, "no value in style"),
    "<style>.a { color: {{ mail.kind }} }</style>": (3, "fixed before there are values"),
    "<p {% if mail.is_test %}title='x'{% endif %}>x</p>": (3, "no statement inside a tag"),
    "<p title='{% if mail.is_test %}x{% endif %}'>x</p>": (3, "no statement inside a tag"),
    "<table role='presentation'>\nstray<tr><td>x</td></tr></table>": (4, "text directly in <table>"),
    "<table role='presentation'><tr>{{ mail.kind }}<td>x</td></tr></table>": (3, "text directly in <tr>"),
    "{{ mail.kind|safe }}": (3, "safe"),
    "{% autoescape false %}{% endautoescape %}": (3, "autoescape"),
    "{% raw %}x{% endraw %}": (3, "raw"),
    '{% import "x.j2" as x %}': (3, "import"),
    "{% trans %}a <b>b</b>{% endtrans %}": (3, "may not hold markup"),
    "{% trans %}a &amp; b{% endtrans %}": (3, "may not hold markup"),
    "{{ mail.kind|nonsense }}": (3, "nonsense"),
    "{{ mail.kind": (4, "end of print statement"),
    "{% if mail.kind %}": (4, "endblock"),
    '{% include "nowhere.j2" %}': (1, "no such template file"),
    "{% include mail.kind %}": (3, "one file name in quotes"),
    '{% include "edition.html.j2" %}': (3, "includes itself"),
    "{% set links = {} %}": (3, "'links' keeps its value"),
    "{% set a, imprint = 1, 2 %}": (3, "'imprint' keeps its value"),
    "{% set subscriber %}x{% endset %}": (3, "'subscriber' keeps its value"),
    "<p hidden>x</p>": (3, "hide"),
    "<p style='display: none'>x</p>": (3, "hide"),
    "<div>\n<p style='font-size:0'>x</p></div>": (4, "hide"),
    "<p>x</p>\n</td></tr></table><table><tr><td>": (4, "</td> closes what base.html.j2 opened"),
    "<div>\n<div>x</div>": (3, "<div> is not closed in this file"),
    "{% block card scoped %}a{% endblock %}\n{% block other %}b{% endblock %}": (
        4,
        "only 'block card scoped'",
    ),
}


@pytest.mark.parametrize(("body", "line", "reason"), [(body, *expected) for body, expected in BODIES.items()])
def test_what_may_not_stand_in_a_mail_is_named_with_its_line(
    tmp_path: Path, body: str, line: int, reason: str
) -> None:
    found = fault(tmp_path, "edition.html.j2", main(body))
    assert found.line == line, str(found)
    assert reason in found.reason
    assert str(found).startswith(f"{found.file}:{line}: ")


def test_a_lower_case_doctype_is_refused(tmp_path: Path) -> None:
    frame = "<!doctype html><html><body>{% block main %}{% endblock %}</body></html>"
    found = fault(tmp_path, "base.html.j2", frame)
    assert "<!DOCTYPE html>" in found.reason


def test_text_beside_the_block_is_refused(tmp_path: Path) -> None:
    found = fault(tmp_path, "edition.html.j2", '{% extends "base.html.j2" %}\n\n<p>lost</p>\n')
    assert found.line == 2
    assert "inside a block" in found.reason


def test_a_block_the_parent_does_not_have_is_refused(tmp_path: Path) -> None:
    found = fault(
        tmp_path, "edition.html.j2", '{% extends "base.html.j2" %}\n{% block footer %}x{% endblock %}\n'
    )
    assert found.line == 2
    assert "footer" in found.reason


@pytest.mark.parametrize("ending", ["html", "txt"])
@pytest.mark.parametrize("source", ["<p>x</p>", '{% extends "footer.ENDING.j2" %}'])
def test_no_mail_is_without_the_frame_that_holds_head_and_footer(
    tmp_path: Path, source: str, ending: str
) -> None:
    found = fault(tmp_path, f"edition.{ending}.j2", source.replace("ENDING", ending))
    assert found.reason == f"a mail begins with {{% extends 'base.{ending}.j2' %}}"


@pytest.mark.parametrize(
    "rule",
    [
        ".foot { display: none; }",
        ".label { color: red; font-size: 1px; }",
        ".preheader, .foot-links { visibility: hidden; }",
        ".foot {\n  height: 0 }",
        "@media print { .foot { position: absolute; } }",
    ],
)
def test_a_style_sheet_hides_nothing_but_what_is_hidden_anyway(tmp_path: Path, rule: str) -> None:
    found = fault(tmp_path, "client.css.j2", ".dot { display: none; }\n" + rule)
    assert (found.file, found.line) == ("client.css.j2", 2 + rule.count("\n"))
    assert "hide" in found.reason


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (".a + .b { color: red; }", "'+'"),
        (".a ~ .b { color: red; }", "'~'"),
        (".a:first-child { color: red; }", ":first-child"),
        (".a:nth-child(2) { color: red; }", ":nth-"),
        ("@import 'x.css';", "@import"),
        ("@font-face { src: x; }", "@font-face"),
        (".a { background: url(https://x.example/p.png); }", "url("),
    ],
)
def test_a_style_sheet_fetches_nothing_and_asks_for_no_place(tmp_path: Path, rule: str, reason: str) -> None:
    found = fault(tmp_path, "inline.css.j2", "p { margin: 0; }\n" + rule)
    assert (found.file, found.line) == ("inline.css.j2", 2)
    assert reason in found.reason


def test_media_queries_may_ask_for_a_place_but_fetch_nothing(tmp_path: Path) -> None:
    found = fault(tmp_path, "client.css.j2", ".a:first-child { color: red; }\n.b { background: url(x); }")
    assert (found.file, found.line) == ("client.css.j2", 2)


@pytest.mark.parametrize("ending", ["html", "txt", "subject"])
def test_a_kind_has_three_files(tmp_path: Path, ending: str) -> None:
    (tmp_path / "email").mkdir()
    for path in (SHIPPED / "email").iterdir():
        if path.name != f"goodbye.{ending}.j2":
            (tmp_path / "email" / path.name).write_bytes(path.read_bytes())
    mails = Mails((tmp_path,), publisher=samples.PUBLISHER, catalogues=catalogues())
    with pytest.raises(TemplateError, match=rf"goodbye\.{ending}\.j2:1: a kind of mail has"):
        mails.load("goodbye")


@pytest.mark.parametrize(
    ("change", "against"),
    [
        ({"accent": "#f5c518"}, "light card"),
        ({"accent": "#767676"}, "light page"),
        ({"accent_dark": "#3a4046"}, "dark card"),
        ({"accent_dark": "#000000"}, "dark card"),
    ],
)
def test_an_accent_nobody_can_read_is_refused(change: dict[str, str], against: str) -> None:
    brand = {**samples.PUBLISHER["brand"], **change}
    mails = Mails(directories(), publisher={**samples.PUBLISHER, "brand": brand}, catalogues=catalogues())
    with pytest.raises(TemplateError, match=against) as caught:
        mails.load("edition")
    assert "4.5:1" in str(caught.value)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#ffffff", "#0b57b7") == pytest.approx(contrast("#0b57b7", "#ffffff"))


def test_the_shipped_templates_pass() -> None:
    Templates(directories(), publisher=samples.PUBLISHER, language="de").check()
