"""A template compiled for a language says what the plain one says, and the words of a catalogue are words only."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.rendering import RenderError, directories, samples
from digest.rendering.catalogues import read_catalogues
from digest.rendering.filters import wordwrap
from digest.rendering.mails import Mails

HEAD = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'


def goodbye(tmp_path: Path, sentence: str) -> tuple[str, str]:
    """The HTML and text of a farewell in which a publisher says one sentence otherwise."""
    folder = tmp_path / "locale/de/LC_MESSAGES"
    folder.mkdir(parents=True)
    message = "From now on you get no more e-mail from %(site)s. Thank you for reading."
    (folder / "own.po").write_text(f'{HEAD}msgid "{message}"\nmsgstr "{sentence}"\n', encoding="utf-8")
    shipped = directories()
    site = {"name": "Zeit & <Wort>", "url": samples.BASE}
    mails = Mails(
        shipped,
        publisher={**samples.PUBLISHER, "site": site},  # type: ignore[typeddict-item]  # a Site
        catalogues=read_catalogues([tmp_path, *shipped], default="de"),
    )
    mail = mails.render("goodbye", lang="de", context=samples.system("goodbye"), stem="", is_text_only=False)
    return mail.html_text, mail.plain_text


def test_values_stand_in_a_message_escaped_where_the_template_escapes(tmp_path: Path) -> None:
    html, text = goodbye(tmp_path, "100 %% weniger von %(site)s, %(site)s")
    assert "100 % weniger von Zeit &amp; &lt;Wort&gt;, Zeit &amp; &lt;Wort&gt;" in html
    assert "100 % weniger von Zeit & <Wort>, Zeit & <Wort>" in text


@pytest.mark.parametrize("words", ["{{ 7 * 7 }}", "{% if x %}", "{# x #}"])
def test_the_words_of_a_catalogue_are_never_run(tmp_path: Path, words: str) -> None:
    html, text = goodbye(tmp_path, f"Tschüss {words}")
    assert f"Tschüss {words}" in html
    assert f"Tschüss {words}" in text


def test_a_message_that_asks_for_an_unknown_value_fails_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="nobody"):
        goodbye(tmp_path, "Tschüss %(nobody)s")


@given(
    st.lists(st.text("abcß", min_size=1, max_size=12), max_size=30),
    st.integers(6, 30),
    st.sampled_from(["", "* "]),
    st.sampled_from(["", "  "]),
)
@settings(max_examples=60, deadline=None)
def test_wrapped_text_is_the_same_words_on_the_fewest_narrow_lines(
    words: list[str], width: int, first: str, indent: str
) -> None:
    lines = wordwrap("  ".join(words), width=width, first=first, indent=indent).split("\n")
    heads = [first or indent, *[indent] * (len(lines) - 1)]
    bodies = [line.removeprefix(head) for line, head in zip(lines, heads, strict=True)]
    assert " ".join(bodies).split() == words
    for number, (line, body) in enumerate(zip(lines, bodies, strict=True)):
        assert len(line) <= width or " " not in body
        if number + 1 < len(lines):
            following = bodies[number + 1].partition(" ")[0]
            assert len(f"{line} {following}") > width
