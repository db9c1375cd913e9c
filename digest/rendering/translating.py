"""Templates compiled for one language: what the catalogue says stands in the code, so no mail looks a message up again.

Only `gettext` and `pgettext` of literal messages are folded; plurals depend on a number and are looked up as ever.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from jinja2 import Environment, Template, nodes
from jinja2.visitor import NodeTransformer

from digest.rendering.catalogues import Language
from digest.rendering.filters import folded

_PLACE = re.compile(r"%\((\w+)\)s|(%%)")


@lru_cache(maxsize=512)
def compiled(environment: Environment, source: str, language: Language) -> Template:
    """The source compiled for a language, once in a process."""
    tree = _Translator(language, is_html=bool(environment.autoescape)).visit(environment.parse(source))
    code = environment.compile(tree)
    return environment.template_class.from_code(environment, code, environment.make_globals(None))


class _Translator(NodeTransformer):
    """Puts the words of a language in the place of calls that look them up."""

    def __init__(self, language: Language, *, is_html: bool) -> None:
        self._language = language
        self._is_html = is_html

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802  # Jinja's name for it
        """A message with nothing but texts in it becomes text, one with values a text with places."""
        self.generic_visit(node)
        message = self._message(node)
        values = {one.key: one.value for one in node.kwargs}
        if message is None or not set(re.findall(r"%\((\w+)\)", message)) <= values.keys():
            return node
        if not values:
            return self._data(message % {}, node)
        parts = list(self._parts(message, values, node))
        return nodes.Concat(parts, lineno=node.lineno, environment=node.environment)

    def visit_Output(self, node: nodes.Output) -> nodes.Node:  # noqa: N802
        """In HTML a text with places is printed piece by piece; in plain text it is folded as one."""
        self.generic_visit(node)
        if self._is_html:
            node.nodes = [piece for each in node.nodes for piece in _pieces(each)]
        return node

    def _message(self, node: nodes.Call) -> str | None:
        """The translation of the message that a call looks up, if it is known by now."""
        words: list[Any] = [one.value for one in node.args if isinstance(one, nodes.Const)]
        name = node.node.name if isinstance(node.node, nodes.Name) else ""
        match name, words:
            case (("gettext" | "_"), [str(message)]) if len(node.args) == 1:
                return self._language.gettext(message)
            case "pgettext", [str(about), str(message)] if len(node.args) == 2:
                return self._language.pgettext(about, message)
        return None

    def _parts(self, message: str, values: dict[str, nodes.Expr], node: nodes.Call) -> Iterator[nodes.Expr]:
        end = 0
        for found in _PLACE.finditer(message):
            yield self._data(message[end : found.start()], node)
            yield values[found[1]] if found[1] else self._data("%", node)
            end = found.end()
        yield self._data(message[end:], node)

    def _data(self, text: str, node: nodes.Call) -> nodes.TemplateData:
        """Words of a catalogue: they hold no markup, rules and a test see to it, and nothing more is done to them."""
        shown = text if self._is_html else folded(text)
        return nodes.TemplateData(shown, lineno=node.lineno, environment=node.environment)


def _pieces(node: nodes.Expr) -> list[nodes.Expr]:
    return node.nodes if isinstance(node, nodes.Concat) else [node]
