import pytest

from digest.demo import words


def test_both_languages_say_the_same_things():
    assert words.INBOX["de"].keys() == words.INBOX["en"].keys()
    assert words.NEWS["de"].keys() == words.NEWS["en"].keys()


@pytest.mark.parametrize(
    ("wish", "language"), [("", "en"), ("de", "de"), ("en-GB,de", "en"), ("fr, de;q=0.4", "de"), ("fr", "en")]
)
def test_a_browser_gets_the_first_language_that_we_speak(wish, language):
    assert words.preferred(wish) == language
