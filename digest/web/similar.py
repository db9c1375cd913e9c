"""News similar to one article: looked up among ours by its address, never fetched; the rest is an ordinary sign-up."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from digest.matching.offer import SimilarOffer, similar_offer
from digest.web.draft import Draft, draft_page
from digest.web.pages import language_of
from digest.web.preview import looked_up
from digest.web.security import Open
from digest.web.signup import take
from digest.web.site import site_of
from digest.web.writer import Lane

router = APIRouter()
SOURCE = "similar"


@router.get("/subscribe/similar")
async def show(request: Request) -> Response:
    """The form with an article's topics ticked and its query proposed, and what that would have found."""
    lang, offer = language_of(request), await named_article(request)
    draft = Draft(is_similar=True, about=offer, source=SOURCE)
    if offer is not None:
        hits = await looked_up(site_of(request), [offer.query], lang=lang)
        draft = Draft(
            is_similar=True,
            about=offer,
            source=SOURCE,
            topics=offer.topics,
            queries=(offer.query,),
            hits=tuple(hits),
        )
    return await draft_page(request, draft, lang=lang)


@router.post("/subscribe/similar")
async def take_form(request: Request, _: Annotated[None, Depends(Open(Lane.SIGN_UP))]) -> Response:
    """The same as the ordinary form; the mail names the article, if it is one of ours."""
    return await take(request, about=await named_article(request))


async def named_article(request: Request) -> SimilarOffer | None:
    """What can be offered about the article that the address of the form names, if it is one of ours."""
    site, url = site_of(request), request.query_params.get("url", "")
    return await site.read(lambda session: similar_offer(session, url, now=site.now()))
