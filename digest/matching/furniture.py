"""What a page puts around an article and no reader means: repeated boxes, the source's own name, datelines.

A paragraph is furniture if it stands, in plain spelling and with the article's own title cut out, in at least three of
the feed's last fifty articles.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from digest.matching.spelling import clean, plain

REPEATED: Final = 3
WINDOW: Final = 50
"""How many of the feed's last articles are compared."""

_DATELINE_LENGTH: Final = 80
_DASH: Final = re.compile(r"\s+[-–—]{1,2}\s+|\s*[–—]\s*")
_TITLE_END: Final = re.compile(r"\s+[-–—|·]\s+")
_BRACKETS: Final = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]")
_WORDS: Final = re.compile(r"\w+")


def repeated(articles: Iterable[tuple[str, str]]) -> frozenset[str]:
    """The furniture of a feed, from (title, text) of its last articles, as marks to give to `without_furniture`."""
    counts: Counter[str] = Counter()
    for title, text in articles:
        counts.update({mark for _, mark in _paragraphs(title, text)})
    return frozenset(mark for mark, count in counts.items() if count >= REPEATED)


def without_furniture(title: str, text: str, marks: frozenset[str]) -> str:
    """The text without the paragraphs that are furniture."""
    if not marks:
        return text
    return "\n".join(paragraph for paragraph, mark in _paragraphs(title, text) if mark not in marks)


def _paragraphs(title: str, text: str) -> Iterator[tuple[str, str]]:
    own = _mark(title)
    for paragraph in text.splitlines():
        mark = _mark(paragraph)
        if own:
            mark = mark.replace(own, " ")
        if mark.strip():
            yield paragraph, mark


def _mark(text: str) -> str:
    return f" {' '.join(_WORDS.findall(plain(clean(text))))} " if text.strip() else ""


def title_without_source(title: str, source: str) -> str:
    """A title without the source's name after its last dash or bar: `… | Beispiel-News`."""
    ends = list(_TITLE_END.finditer(title))
    if ends and source.strip() and _mark(title[ends[-1].end() :]) == _mark(source):
        return title[: ends[-1].start()]
    return title


def split_dateline(text: str) -> tuple[str, str]:
    """A dateline (`WASHINGTON / MÜNCHEN (Quelle) –`) and the text after it; the dateline is empty if there is none."""
    dash = _DASH.search(text, 0, _DATELINE_LENGTH + 3)
    if not dash or dash.start() > _DATELINE_LENGTH or "\n" in text[: dash.start()]:
        return "", text
    place = text[: dash.start()]
    words = _WORDS.findall(_BRACKETS.sub(" ", place))
    is_place = any(len(word) > 4 and word.isupper() for word in words)  # `KI – was nun?` is no dateline
    if not is_place or not all(word.isupper() for word in words if not word.isdigit()):
        return "", text
    return place, text[dash.end() :]


def without_source(text: str, source: str) -> str:
    """A dateline without the source's name."""
    words = _WORDS.findall(clean(source))
    if not words:
        return text
    name = re.compile(r"\b" + r"\W+".join(map(re.escape, words)) + r"\b", re.IGNORECASE)
    return name.sub(" ", text)


def without_bracketed_source(text: str, source: str) -> str:
    """The text without the source's name in brackets, wherever it stands."""
    own = _mark(source)
    if not own.strip() or ("(" not in text and "[" not in text):
        return text
    return _BRACKETS.sub(
        lambda found: " " if _mark(found.group(1) or found.group(2) or "") == own else found.group(), text
    )
