"""`digest topics`: what readers can choose, how it does, and why it matches."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from digest.cli import opening, output
from digest.matching import topics
from digest.matching.article import ArticleText
from digest.matching.draft import read_draft
from digest.matching.explain import Explanation, explain
from digest.matching.hints import Hint
from digest.matching.preview import Preview, preview
from digest.matching.query import Query

app = typer.Typer(help="Offer topics and see what they find.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Slug = Annotated[str, typer.Argument(help="The topic's slug, as in `topics list`.")]


@app.command()
def add(
    slug: Annotated[str, typer.Argument(help="Its name in addresses: a-z, 0-9 and hyphens.")],
    *,
    name: Annotated[str, typer.Option(help="What readers see.")],
    query: Annotated[str, typer.Option(help='What it finds, for example: `KI, "künstliche Intelligenz"`.')],
    lang: Annotated[str, typer.Option(help="Only articles of this language.")] = "",
    json: Json = False,
) -> None:
    """Offer a topic. Words are found in all their forms; `-word` excludes, `"…"` is a phrase, a comma means or."""
    with opening.database() as db:
        with db.write() as session:
            topic = topics.add_topic(
                session, slug=slug, name=name, query=query, now=opening.now(), language=lang
            )
            added = {"slug": topic.slug, "name": topic.name, "query": topic.query}
        with db.read() as session:
            found = preview(session, topics.topic_query(query, language=lang), now=opening.now())
    if json:
        output.as_json(added | {"hints": found.hints, "is_too_broad": found.is_too_broad})
        return
    output.say(f"Readers can choose {added['name']} now. It finds: {added['query']}")
    _say_hints(found.hints)
    if found.is_too_broad:
        output.say(f"It finds {found.share:.0%} of all articles: `in:lead` or `in:title` would narrow it.")


@app.command("list")
def list_(*, json: Json = False) -> None:
    """Show the topics on offer with their readers, matches and health."""
    with opening.database() as db, db.read() as session:
        rows = topics.list_topics(session, now=opening.now())
    if json:
        output.as_json(rows)
        return
    output.table(
        ("slug", "name", "query", "readers", "7 days", "30 days", "health"),
        (
            (row.slug, row.name, row.query, row.followers, row.week, row.month, row.health.value)
            for row in rows
        ),
        empty='There are no topics yet: `digest topics add ki --name KI --query "KI, künstliche Intelligenz"`.',
    )
    for row in rows:
        for proposal in row.proposals:
            output.say(f"{row.slug}: {proposal.sentence()}")


@app.command()
def show(slug: Slug, *, json: Json = False) -> None:
    """Show one topic with what may help it."""
    with opening.database() as db, db.read() as session:
        row = topics.show_topic(session, slug, now=opening.now())
    if json:
        output.as_json(row)
    else:
        told = output.plain(row) | {"proposals": "\n".join(one.sentence() for one in row.proposals)}
        output.facts((name.replace("_", " "), value) for name, value in told.items())


@app.command()
def remove(slug: Slug, *, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Take a topic away from everybody who follows it."""
    if output.agreed(f"Remove the topic {slug} with its matches and subscriptions?", yes=yes):
        with opening.database() as db, db.write() as session:
            followers = topics.remove_topic(session, slug)
        output.say(f"The topic {slug} is gone; {followers} people followed it.")


@app.command()
def match(
    *,
    query: Annotated[str, typer.Option(help="The query to try.")],
    article: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Try it on this text: title, lead, body.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=90, help="Try it on the articles of so many days.")] = 14,
    lang: Annotated[str, typer.Option(help="Only articles of this language.")] = "",
    json: Json = False,
) -> None:
    """Try a query on stored articles or on a file, and see why each hit is one."""
    parsed = topics.topic_query(query, language=lang)
    if article is not None:
        _explain(parsed, read_draft(article.read_text(encoding="utf-8")), json=json)
        return
    with opening.database() as db, db.read() as session:
        found = preview(session, parsed, now=opening.now(), days=days)
    _show(found, json=json)


def _explain(query: Query, article: ArticleText, *, json: bool) -> None:
    found: Explanation = explain(query, article)
    if json:
        output.as_json({"query": str(query), "hints": query.hints, **output.plain(found)})
        return
    output.facts([("query", str(query)), ("verdict", found.sentence())])
    _say_hints(query.hints)
    output.table(
        ("value", "field", "found", "around"),
        ((one.value, one.field, one.printed, one.around) for one in found.findings),
        empty="None of its words was found.",
    )


def _show(found: Preview, *, json: bool) -> None:
    if json:
        output.as_json(found)
        return
    output.say(
        f"{found.query}: {found.hits} of {found.articles} articles, about {found.per_week:.0f} a week."
    )
    _say_hints(found.hints)
    output.table(
        ("title", "source", "field", "found"),
        ((one.title, one.source, one.field, one.term) for one in found.newest),
        empty="Nothing found. Try `word*`, words instead of a phrase, or `in:all`.",
    )


def _say_hints(hints: Sequence[Hint]) -> None:
    for hint in hints:
        output.say(f"hint (position {hint.position + 1}): {hint.sentence()}")
