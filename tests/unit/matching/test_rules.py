"""Rules of feeds: each is asked about its own feed's articles, and about no other."""

from digest.matching.engine import ArticleText
from digest.matching.rules import FeedRules, filtered


def article(number: int, title: str) -> ArticleText:
    return ArticleText(id=number, title=title, language="de")


def test_each_feed_has_its_own_rules() -> None:
    articles = [
        (1, article(10, "Sport am Sonntag")),
        (1, article(11, "Der Stadtrat tagt")),
        (2, article(20, "Sport am Sonntag")),
        (2, article(21, "Der Stadtrat tagt")),
        (3, article(30, "Sport am Sonntag")),
        (None, article(40, "Sport am Sonntag")),
    ]
    rules = {1: FeedRules(block="Sport"), 2: FeedRules(keep="Sport"), 4: FeedRules(block="Stadtrat")}
    assert filtered(articles, rules) == {
        10: "blocked by the feed's rule: Sport",
        21: "not kept by the feed's rule: Sport",
    }


def test_what_is_blocked_is_not_kept_either() -> None:
    both = {1: FeedRules(block="Fußball", keep="Sport")}
    articles = [(1, article(1, "Sport: Fußball")), (1, article(2, "Sport: Turnen"))]
    assert filtered(articles, both) == {1: "blocked by the feed's rule: Fußball"}
