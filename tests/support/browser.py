"""A browser without scripts: it opens links and presses buttons of forms, with the values that stand there."""

from typing import Any

import httpx
from lxml import html


class Page:
    """One page: its text, its links and its forms."""

    def __init__(self, web: httpx.Client, response: httpx.Response) -> None:
        self._web = web
        self.status = response.status_code
        self.url = str(response.url)
        self.source = response.text
        self._tree = html.fromstring(response.text, base_url=self.url)
        self.text = " ".join(self._tree.xpath("//body")[0].text_content().split())
        self.heading = " ".join(self._tree.xpath("string(//h1)").split())

    def press(self, button: str, /, **values: Any) -> "Page":
        """Press the button with this text, filling in fields; a list fills a repeated field."""
        found = [
            one
            for one in self._tree.xpath("//form//button")
            if " ".join(one.text_content().split()) == button
        ]
        assert found, f"no button “{button}” on {self.url}: {self.buttons()}"
        return self._submit(found[0], values)

    def choose(self, value: str) -> "Page":
        """Press the button that sends this value."""
        found = self._tree.xpath("//form//button[@value=$value]", value=value)
        assert found, (
            f"no button sends “{value}”: {[one.get('value') for one in self._tree.xpath('//form//button')]}"
        )
        return self._submit(found[0], {})

    def _submit(self, button: Any, values: dict[str, Any]) -> "Page":
        form = button.xpath("ancestor::form")[0]
        data: list[tuple[str, str]] = [
            (name, value) for name, value in form.form_values() if name not in values
        ]
        for name, value in values.items():
            data += [(name, one) for one in (value if isinstance(value, list) else [value])]
        if button.get("name"):
            data.append((button.get("name"), button.get("value", "")))
        fields: dict[str, list[str]] = {}
        for name, value in data:
            fields.setdefault(name, []).append(value)
        address = httpx.URL(self.url).join(form.get("action") or self.url)
        return Page(self._web, self._web.request(form.get("method", "get").upper(), address, data=fields))

    def buttons(self) -> list[str]:
        """What can be pressed."""
        return [" ".join(one.text_content().split()) for one in self._tree.xpath("//form//button")]

    def link(self, words: str) -> str:
        """The address of the link with these words."""
        (found,) = [
            one for one in self._tree.xpath("//a[@href]") if words in " ".join(one.text_content().split())
        ]
        return str(httpx.URL(self.url).join(found.get("href")))


def visit(web: httpx.Client, url: str) -> Page:
    """Open a page."""
    return Page(web, web.get(url))
