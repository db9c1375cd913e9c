"""`digest promos`: labelled boxes in editions, and when, where and how often they come."""

from datetime import date, datetime
from typing import Annotated, Any

import typer

from digest.cli import opening, output
from digest.editions import promos
from digest.editions.labels import PromoLabel
from digest.editions.models import Promo, PromoPlace
from digest.editions.promos import NewPromo

app = typer.Typer(
    help="Place labelled boxes of your own or of advertisers in editions.", no_args_is_help=True
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Slug = Annotated[str, typer.Argument(help="The promo's slug, as in `promos list`.")]


@app.command()
def add(
    slug: Annotated[str, typer.Argument(help="Its name here: a-z, 0-9 and hyphens.")],
    *,
    label: Annotated[PromoLabel, typer.Option(help="What is printed first, in both parts of the mail.")],
    advertiser: Annotated[str, typer.Option(help="Who pays for it or speaks in it.")],
    title: Annotated[str, typer.Option(help="Its headline.")],
    url: Annotated[str, typer.Option(help="Where it leads.")],
    text: Annotated[str, typer.Option(help="One or two sentences.")] = "",
    image: Annotated[str, typer.Option(help="A picture over https.")] = "",
    image_size: Annotated[
        tuple[int, int] | None, typer.Option(help="The picture's width and height in pixels.")
    ] = None,
    lang: Annotated[str, typer.Option(help="Only in mails of this language.")] = "",
    topic: Annotated[
        list[str] | None,
        typer.Option("--topic", help="Only in mails with this topic; may be said several times."),
    ] = None,
    starts: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day.")
    ] = None,
    ends: Annotated[
        datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="The last day.")
    ] = None,
    place: Annotated[
        PromoPlace, typer.Option(help="After the first topic, or at the end.")
    ] = PromoPlace.MIDDLE,
    weight: Annotated[int, typer.Option(min=1, help="Twice the weight comes about twice as often.")] = 1,
    cap: Annotated[int, typer.Option(min=0, help="At most so often to one reader; 0: no limit.")] = 0,
    json: Json = False,
) -> None:
    """Offer a promo; from the next planned edition on at most two stand in a mail, never first."""
    width, height = image_size or (None, None)
    wanted = NewPromo(
        slug=slug,
        label=label,
        advertiser=advertiser,
        title=title,
        text=text,
        url=url,
        image_url=image,
        image_width=width,
        image_height=height,
        language=lang,
        topics=topic or [],
        starts_on=starts.date() if starts else None,
        ends_on=ends.date() if ends else None,
        place=place,
        weight=weight,
        cap=cap,
    )
    with opening.database() as db, db.write() as session:
        added = _facts(promos.add_promo(session, wanted))
    if json:
        output.as_json(added)
    else:
        output.say(f"{slug} may stand in editions now, labelled {label.value}.")


@app.command("list")
def list_(*, json: Json = False) -> None:
    """Show all promos."""
    with opening.database() as db, db.read() as session:
        rows = [_facts(one) for one in promos.list_promos(session)]
    if json:
        output.as_json(rows)
        return
    columns = (
        "slug",
        "label",
        "advertiser",
        "title",
        "starts_on",
        "ends_on",
        "place",
        "weight",
        "cap",
        "active",
    )
    output.table(
        [name.replace("_", " ") for name in columns],
        ([row[name] for name in columns] for row in rows),
        empty="There are no promos: `digest promos add --help` shows how to place one.",
    )


@app.command()
def show(slug: Slug, *, json: Json = False) -> None:
    """Show one promo."""
    with opening.database() as db, db.read() as session:
        found = _facts(promos.get_promo(session, slug))
    if json:
        output.as_json(found)
    else:
        output.facts((name.replace("_", " "), value) for name, value in found.items())


@app.command()
def pause(slug: Slug, *, json: Json = False) -> None:
    """Leave a promo out of the editions planned from now on."""
    with opening.database() as db, db.write() as session:
        promos.set_active(session, slug, is_active=False)
    _tell(f"{slug} is paused: `digest promos resume {slug}` brings it back.", slug, "paused", json=json)


@app.command()
def resume(slug: Slug, *, json: Json = False) -> None:
    """Offer a paused promo again."""
    with opening.database() as db, db.write() as session:
        promos.set_active(session, slug, is_active=True)
    _tell(f"{slug} may stand in editions again.", slug, "active", json=json)


@app.command()
def remove(
    slug: Slug,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Delete a promo, once no mail with it is under way."""
    if output.agreed(f"Remove the promo {slug}?", yes=yes):
        with opening.database() as db, db.write() as session:
            promos.remove_promo(session, slug)
        _tell(f"The promo {slug} is gone.", slug, "removed", json=json)


def _tell(said: str, slug: str, state: str, *, json: bool) -> None:
    if json:
        output.as_json({"slug": slug, "state": state})
    else:
        output.say(said)


def _facts(promo: Promo) -> dict[str, Any]:
    """A promo as scripts read it."""
    dates: dict[str, date | None] = {"starts_on": promo.starts_on, "ends_on": promo.ends_on}
    return {
        "slug": promo.slug,
        "label": promo.label,
        "advertiser": promo.advertiser,
        "title": promo.title,
        "text": promo.text,
        "url": promo.url,
        "image": promo.image_url,
        "language": promo.language,
        "topics": promo.topics,
        **{name: on.isoformat() if on else None for name, on in dates.items()},
        "place": promo.place.value,
        "weight": promo.weight,
        "cap": promo.cap,
        "active": promo.is_active,
    }
