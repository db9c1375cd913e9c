"""What every template can say: the gettext functions of its language; values are escaped where the template escapes."""

from collections.abc import Callable
from functools import cache
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from digest.rendering.catalogues import Language


def words(language: Language, timezone: str) -> dict[str, Any]:
    """The part of a context that makes filters and messages speak `language` and count in `timezone`."""
    return {**functions(language), "lang": language.code, "language": language, "timezone": timezone}


@cache
def functions(language: Language) -> dict[str, Callable[..., str]]:
    """gettext, ngettext, pgettext and npgettext of a language, as `{% trans %}` and `_()` call them."""

    @pass_context
    def gettext(context: Context, message: str, /, **values: Any) -> str:
        return _filled(context, language.gettext(message), values)

    @pass_context
    def ngettext(context: Context, singular: str, plural: str, count: int, /, **values: Any) -> str:
        return _filled(context, language.ngettext(singular, plural, count), {"num": count, **values})

    @pass_context
    def pgettext(context: Context, about: str, message: str, /, **values: Any) -> str:
        return _filled(context, language.pgettext(about, message), values)

    @pass_context
    def npgettext(
        context: Context, about: str, singular: str, plural: str, count: int, /, **values: Any
    ) -> str:
        return _filled(context, language.npgettext(about, singular, plural, count), {"num": count, **values})

    return {"gettext": gettext, "ngettext": ngettext, "pgettext": pgettext, "npgettext": npgettext}


def _filled(context: Context, message: str, values: dict[str, Any]) -> str:
    if context.eval_ctx.autoescape:
        return Markup(message) % values  # noqa: S704  # catalogues hold no markup: rules.py and a test see to it
    return message % values
