"""Which language a page speaks: asked for by `lang`, else the reader's own, else the browser's, else the publisher's."""

from collections.abc import Collection


def chosen(*, asked: str, own: str | None, accepted: str, supported: Collection[str], default: str) -> str:
    """The first supported of: what the address asks for, the subscriber's, what the browser accepts, the default."""
    for wish in (asked, own or "", *preferences(accepted)):
        if (code := _base(wish)) in supported:
            return code
    return default


def preferences(accept_language: str) -> list[str]:
    """The languages of an Accept-Language header, most wanted first; refused (q=0) and senseless ones left out."""
    weighted = [_weighted(entry) for entry in accept_language.split(",")[:20]]
    ranked = sorted(weighted, key=lambda pair: -pair[1])
    return [language for language, weight in ranked if language and weight > 0]


def _weighted(entry: str) -> tuple[str, float]:
    language, _, parameter = entry.partition(";")
    name, _, value = parameter.strip().partition("=")
    try:
        return language.strip(), float(value) if name == "q" else 1.0
    except ValueError:
        return language.strip(), 0.0


def _base(tag: str) -> str:
    """`de` of `de-AT`: pages know languages, not countries."""
    return tag.replace("_", "-").partition("-")[0].lower()
