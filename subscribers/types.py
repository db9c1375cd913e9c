"""The shared kernel of both packages: column types and small values that every table uses."""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid4

from pydantic import ConfigDict
from sqlalchemy import JSON, DateTime, Dialect, Enum, MetaData
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel
from typing_extensions import override

# Stable names let a migration drop or alter a constraint on both databases.
NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Table(SQLModel):
    """Base of every table of newsdigest; all share one metadata with stable constraint names."""

    metadata = metadata
    model_config = ConfigDict(extra="forbid")  # type: ignore[assignment]  # SQLModel narrows the type


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime on every database; a naive value is refused, never guessed."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any] | None:
        """The spelling of a moment, remembered for a few: the rows of one batch share theirs."""
        spell = super().bind_processor(dialect)
        return spell and lru_cache(maxsize=16)(spell)

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored datetime needs a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    @override
    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def text_enum(kind: type[StrEnum]) -> Any:
    """The column type of a StrEnum: its values as text, and a CHECK so that no other value can be stored."""
    values = [member.value for member in kind]
    name = "".join(f"_{c.lower()}" if c.isupper() else c for c in kind.__name__).lstrip("_")
    return Enum(
        kind,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=24,
        values_callable=lambda _: values,
    )


Json: Any = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def new_public_id() -> UUID:
    """A random identifier for links: row numbers never leave the house."""
    return uuid4()
