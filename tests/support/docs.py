"""Markdown as far as the tests of the documentation need it: headings, blocks of code, links."""

import re

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def code_blocks(text: str) -> list[tuple[str, str]]:
    """Each fenced block with its language."""
    return _FENCE.findall(text)


def headings(text: str) -> list[str]:
    """The headings in order, without their marks; lines inside blocks of code are none."""
    return re.findall(r"^#{1,6} (.+)$", _FENCE.sub("", text), re.MULTILINE)


def links(text: str) -> list[str]:
    """Where links and pictures lead, without fragments; the page's own fragments are left out."""
    found = re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", _FENCE.sub("", text))
    whole = (link.partition("#")[0] for pair in found for link in pair if link)
    return [link for link in whole if link]
