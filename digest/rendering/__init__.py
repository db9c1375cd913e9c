"""Rendering: from plain values to subject, HTML and text, or to a page. The only room that imports jinja2 and premailer.

    templates = Templates(directories(own=settings.templates_dir), publisher=publisher, language="de")
    templates.page("subscribe.html", lang="de", **context) -> str                   a web page, templates/web/*.html
    templates.mail("edition", lang="de", context=context, stem=markers.stem) -> Rendered
    inspect(rendered, context=context, publisher=publisher) -> Report                what holds a content back

A template is read, checked, inlined and compiled once; what can be wrong with it is found then (`TemplateError`).
This room knows no mail and no rows; `digest.mail.message.prepare` turns a `Rendered` into bytes.
"""

from digest.rendering.cards import CardItem
from digest.rendering.checks import Report, inspect
from digest.rendering.errors import RenderError, RenderingError, TemplateError, TooLargeError, UnfitError
from digest.rendering.mails import KINDS, Rendered
from digest.rendering.sizes import LIMIT, edition_bound, item_bound, promo_bound, section_bound
from digest.rendering.templates import Templates, directories

__all__ = [
    "KINDS", "LIMIT", "CardItem", "RenderError", "Rendered", "RenderingError", "Report", "TemplateError", "Templates", "TooLargeError",
    "UnfitError", "directories", "edition_bound", "inspect", "item_bound", "promo_bound", "section_bound",
]  # fmt: skip
