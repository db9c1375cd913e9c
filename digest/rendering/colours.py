"""The colours of a mail, light and dark, and the contrast between two of them (WCAG 2.2, 1.4.3)."""

from collections.abc import Iterator, Mapping

from digest.rendering.context import Brand
from digest.rendering.errors import TemplateError

READABLE = 4.5

LIGHT: Mapping[str, str] = {
    "page": "#f2f3f5",
    "card": "#ffffff",
    "text": "#1b1f24",
    "muted": "#56606b",
    "line": "#dfe3e8",
    "promo": "#fff8e6",
    "promo_line": "#ecd9a6",
    "label": "#6a4b00",
    "button_text": "#ffffff",
}
DARK: Mapping[str, str] = {
    "page": "#14171a",
    "card": "#1e2226",
    "text": "#f1f3f4",
    "muted": "#b8c0c8",
    "line": "#363c43",
    "promo": "#2d2613",
    "promo_line": "#5c4d24",
    "label": "#f0d58a",
    "button_text": "#10141a",
}


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours written #rrggbb, 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def palette(brand: Brand) -> dict[str, dict[str, str]]:
    """All colours the style sheets use, with the publisher's accent. Raises TemplateError for one that cannot be read."""
    for what, accent, ground in _pairs(brand):
        if contrast(accent, ground) < READABLE:
            raise TemplateError(
                f"the accent colour {accent} has a contrast of {contrast(accent, ground):.2f}:1 to the {what} {ground}; "
                f"text needs {READABLE}:1, so choose a stronger one",
                file="brand",
            )
    return {"light": {**LIGHT, "accent": brand["accent"]}, "dark": {**DARK, "accent": brand["accent_dark"]}}


def _pairs(brand: Brand) -> Iterator[tuple[str, str, str]]:
    for mode, colours, accent in (("light", LIGHT, brand["accent"]), ("dark", DARK, brand["accent_dark"])):
        yield f"{mode} card", accent, colours["card"]
        yield f"{mode} page", accent, colours["page"]
        yield f"{mode} button text", accent, colours["button_text"]


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(int(colour[start : start + 2], 16) / 255) for start in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
