"""A card is made once and stands in every mail that shows its article, each with its own slots."""

from digest.mail.message import prepare
from digest.mail.parts import Shelf
from digest.mail.slots import Slot
from digest.rendering import directories, samples
from digest.rendering.cards import Fragment
from digest.rendering.mails import Mails
from tests.support import mailroom
from tests.support.mail import fold


def cards(fragments: tuple[Fragment, ...]) -> list[Fragment]:
    return [fragment for fragment in fragments if fragment.is_shared]


def test_two_contents_share_the_cards_of_their_articles() -> None:
    one, other = mailroom.rendered_edition(8), mailroom.rendered_edition(12)
    assert len(cards(one.html)) == len(cards(one.text)) == 8
    for mine, theirs in ((one.html, other.html), (one.text, other.text)):
        shared = {id(card) for card in cards(mine)} & {id(card) for card in cards(theirs)}
        assert len(shared) == 8


def test_a_shared_card_is_filled_for_the_reader_whose_mail_it_stands_in() -> None:
    prepared = mailroom.prepared_edition(8, shelf=Shelf())
    again = mailroom.prepared_edition(8, shelf=Shelf())
    assert prepared.pieces == again.pieces
    mute = next(places for hole, places in prepared.holes if hole.slot is Slot.MUTE and hole.is_html)
    assert len(mute) == 8


def test_another_language_or_zone_has_cards_of_its_own() -> None:
    context = samples.edition(1)
    render = mailroom.templates().mail
    german, english = (cards(render("edition", lang=lang, context=context).html)[0] for lang in ("de", "en"))
    context["mail"]["timezone"] = "America/New_York"
    overseas = cards(render("edition", lang="de", context=context).html)[0]
    assert "Weniger davon" in german.text
    assert "Less of this" in english.text
    assert "22. Nov., 01:10" in fold(german.text)
    assert "21. Nov., 19:10" in fold(overseas.text)


def test_an_article_that_changed_has_a_new_card() -> None:
    context = samples.edition(1)
    before = mailroom.templates().mail("edition", lang="de", context=context)
    context["sections"][0]["items"][0]["title"] = "Berichtigt"
    after = mailroom.templates().mail("edition", lang="de", context=context)
    assert "Berichtigt" in cards(after.html)[0].text
    assert cards(before.html)[0] != cards(after.html)[0]


def test_a_deck_forgets_what_was_not_used_for_long() -> None:
    mails = Mails(directories(), publisher=samples.PUBLISHER, catalogues=mailroom.catalogues())
    deck = mails.load("edition").html_deck
    assert deck is not None
    deck.limit = 3
    mails.render("edition", lang="de", context=samples.edition(8), stem="", is_text_only=False)
    assert len(deck._kept) == 3


def test_cards_are_encoded_to_the_same_letters_as_the_whole() -> None:
    with_cards = mailroom.rendered_edition(8)
    shelved = prepare(with_cards, prefixes=mailroom.PREFIXES, shelf=Shelf())
    plain = prepare(with_cards, prefixes=mailroom.PREFIXES)
    assert shelved.pieces == plain.pieces
