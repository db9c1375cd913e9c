"""An article in a file, to try a query on."""

import pytest

from digest.matching.draft import DraftError, read_draft


def test_a_text_is_title_lead_and_body_apart_by_blank_lines() -> None:
    found = read_draft("KI im\nAlltag\r\n\r\nWorum es geht.\n\nErster Absatz.\n\nZweiter.")
    assert (found.title, found.lead, found.body) == (
        "KI im Alltag",
        "Worum es geht.",
        "Erster Absatz.\n\nZweiter.",
    )


def test_json_names_the_fields_of_an_article() -> None:
    found = read_draft('{"title": "KI", "categories": ["Technik"], "language": "de", "lead": null}')
    assert (found.title, found.categories, found.language, found.lead) == ("KI", ("Technik",), "de", "")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The file is empty"),
        ("{", "cannot be read as JSON"),
        ('{"headline": "KI"}', "An article has no field headline"),
        ('{"title": 1}', "are texts"),
        ('{"categories": "KI"}', "are texts"),
    ],
)
def test_a_file_that_holds_no_article_is_told_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(DraftError, match=sentence):
        read_draft(text)
