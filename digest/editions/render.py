"""From a content to words: what the templates make of it, for readers and for everybody."""

import structlog
from sqlmodel import Session

from digest.editions import compose
from digest.editions.house import House
from digest.editions.material import Material, read_material
from digest.rendering import Rendered, Templates
from digest.rendering.context import EditionContext
from subscribers.models import MailFormat

log = structlog.get_logger()


def draw(
    templates: Templates, material: Material, content_id: int, *, house: House, is_test: bool = False
) -> tuple[Rendered, EditionContext]:
    """A content as everyone who shares it gets it, and what it was made of: markers stand where readers differ.

    Raises RenderingError.
    """
    content = material.contents[content_id]
    context = compose.context(material, content_id, house=house, markers=material.markers)
    context["mail"]["is_test"] = is_test
    rendered = templates.mail(
        "edition",
        lang=content.language,
        context=context,
        stem=material.markers.stem,
        is_text_only=content.format is MailFormat.TEXT,
    )
    return rendered, context


def render_content(templates: Templates, material: Material, content_id: int, *, house: House) -> Rendered:
    """A content, looked over before anybody gets it. Raises RenderingError, of which UnfitError says that it may not be sent."""
    rendered, context = draw(templates, material, content_id, house=house)
    report = templates.expect_fit(rendered, context=context)
    if report.warnings:
        log.warning("content could be better", content=content_id, warnings=report.warnings)
    return rendered


def render_public(session: Session, templates: Templates, content_id: int, *, house: House) -> Rendered:
    """A content as anybody may see it: no address, no personal link. Raises RenderingError, KeyError if it is gone."""
    material = read_material(session, [content_id])
    context = compose.context(material, content_id, house=house, markers=None)
    return templates.mail("edition", lang=material.contents[content_id].language, context=context)
