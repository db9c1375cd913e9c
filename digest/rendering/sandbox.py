"""The Jinja environments. A mail template reads nothing but its context: keys of plain values, a short list of filters, no more."""

from functools import lru_cache
from typing import Any

from jinja2 import Environment, StrictUndefined, Undefined, pass_context, select_autoescape
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.loaders import BaseLoader
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from typing_extensions import override

from digest.rendering import filters

_KEPT_FILTERS = (
    "e",
    "escape",
    "default",
    "length",
    "upper",
    "lower",
    "capitalize",
    "join",
    "first",
    "last",
    "replace",
)
_KEPT_TESTS = (
    "defined",
    "none",
    "string",
    "number",
    "mapping",
    "sequence",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "in",
)
_LOOP = frozenset({"first", "last", "index", "index0", "revindex", "revindex0", "length"})


class MailEnvironment(ImmutableSandboxedEnvironment):
    """Templates of mails: attribute access is key access, and arithmetic is for numbers."""

    intercepted_binops = frozenset({"**", "%", "*"})

    def __init__(self, *, is_html: bool) -> None:
        super().__init__(
            autoescape=is_html,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            finalize=None if is_html else filters.folded,
        )
        aliases = {"_": self.globals["_"]}
        self.globals.clear()
        self.globals.update(aliases)
        self.filters = (
            {name: JINJA_FILTERS[name] for name in _KEPT_FILTERS} | dict(filters.FILTERS) | {"cards": _cards}
        )
        self.tests = {name: self.tests[name] for name in _KEPT_TESTS}
        self.newstyle_gettext = True

    @override
    def getattr(self, obj: Any, attribute: str) -> Any:
        """`section.items` is the key, never the method of that name; only a loop has attributes of its own."""
        if isinstance(obj, dict):
            try:
                return obj[attribute]
            except KeyError:
                return self.undefined(obj=obj, name=attribute)
        if isinstance(obj, LoopContext):
            return getattr(obj, attribute) if attribute in _LOOP else self.undefined(obj=obj, name=attribute)
        if isinstance(obj, Undefined):
            return super().getattr(obj, attribute)
        return self.undefined(obj=obj, name=attribute)

    @override
    def getitem(self, obj: Any, argument: Any) -> Any:
        """A key or a place, and nothing else where there is none."""
        try:
            return obj[argument]
        except (LookupError, TypeError):
            return self.undefined(obj=obj, name=argument)

    @override
    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Multiplying a text is how a template grows without end."""
        if not all(isinstance(side, int | float) for side in (left, right)) or operator == "**":
            raise SecurityError(f"{operator} is for numbers only, and powers are not offered")
        return super().call_binop(context, operator, left, right)


@lru_cache(maxsize=2)
def mail_environment(*, is_html: bool) -> MailEnvironment:
    """The environment of mails: one for HTML and one for text, nobody can change them."""
    return MailEnvironment(is_html=is_html)


@pass_context
def _cards(context: Context, items: Any) -> str:
    """What stands for the items' cards until the parts are joined; only a shell with cards knows how (cards.Table)."""
    return str(context["deal"](items))


def page_environment(loader: BaseLoader) -> Environment:
    """Templates of web pages: ours alone, autoescaped, strict, with the same filters and words."""
    environment = Environment(
        loader=loader,
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters.FILTERS)
    environment.newstyle_gettext = True  # type: ignore[attr-defined]  # the i18n extension sets it
    return environment
