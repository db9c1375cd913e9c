"""What a person asks for: topics, own topics, and when; the same value from form, request, import and undo."""

from dataclasses import dataclass
from typing import Any, Self

from subscribers.models import Cadence

MAX_OWN_TOPICS = 10
"""So many queries of their own may one person follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTopic:
    """A query of somebody's own: `query` is canonical (the caller parsed it), `typed` what was written.

    With `article` (the id of the article it was proposed for) it is a topic of kind similar, shared by all who take the
    same proposal, and `name` should be that article's title.
    """

    query: str
    typed: str = ""
    name: str = ""
    article: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The plain form that a request row keeps."""
        return {"query": self.query, "typed": self.typed, "name": self.name, "article": self.article}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Slugs of curated topics, own topics, and the schedule; `weekday` (Monday 0) belongs to a weekly cadence only."""

    topics: tuple[str, ...] = ()
    own: tuple[OwnTopic, ...] = ()
    cadence: Cadence = Cadence.DAILY
    weekday: int | None = None
    local_time: str = "07:00"
    timezone: str = "Europe/Berlin"
    locale: str = "de"

    def united(self, former: Self) -> Self:
        """These choices with the topics of former ones added; settings stay the newest."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        fields["topics"] = tuple(dict.fromkeys((*former.topics, *self.topics)))
        fields["own"] = tuple({one.query: one for one in (*former.own, *self.own)}.values())[-MAX_OWN_TOPICS:]
        return type(self)(**fields)

    def as_json(self) -> dict[str, Any]:
        """The plain form that a request row keeps."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return fields | {"own": [one.as_json() for one in self.own]}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The choices that `as_json` wrote."""
        own = tuple(OwnTopic(**one) for one in data["own"])
        return cls(
            **{**data, "topics": tuple(data["topics"]), "own": own, "cadence": Cadence(data["cadence"])}
        )
