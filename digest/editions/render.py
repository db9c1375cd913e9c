"""From a content to words: what the templates make of it, for readers and for everybody."""

from sqlmodel import Session

from digest.editions import compose
from digest.editions.compose import House, Material
from digest.mail.slots import Markers
from digest.rendering import Rendered, Templates
from subscribers.models import MailFormat


def render_content(templates: Templates, material: Material, content_id: int, *, house: House) -> Rendered:
    """A content as everyone who shares it gets it: markers stand where readers differ. Raises RenderingError."""
    content = material.contents[content_id]
    markers = Markers.draw()
    return templates.mail(
        "edition",
        lang=content.language,
        context=compose.context(material, content_id, house=house, markers=markers),
        stem=markers.stem,
        is_text_only=content.format is MailFormat.TEXT,
    )


def render_public(session: Session, templates: Templates, content_id: int, *, house: House) -> Rendered:
    """A content as anybody may see it: no address, no personal link. Raises RenderingError, KeyError if it is gone."""
    material = compose.load(session, [content_id])
    context = compose.context(material, content_id, house=house, markers=None)
    return templates.mail("edition", lang=material.contents[content_id].language, context=context)
