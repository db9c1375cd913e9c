"""Every setting of newsdigest: one frozen tree, read from the environment and `.env`, all problems told at once.

Variables start with `DIGEST_`; groups are joined by two underscores (`DIGEST_SMTP__HOST`). A secret may stand in a
file named by the same variable with `_FILE` at its end. A variable nobody knows is a problem, never ignored.
"""

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import available_timezones

from dotenv import dotenv_values
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from typing_extensions import override

PREFIX: Final = "DIGEST_"
_PLACEHOLDERS: Final = ("change-me", "changeme", "secret", "example", "your-secret-key")
_DURATION = re.compile(r"(\d+)\s*([smhdw])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class SettingsError(Exception):
    """The settings cannot be used; `problems` are sentences that name their variables."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def duration(value: object) -> object:
    """Read `90s`, `15m`, `6h`, `30d`, `2w` as a timedelta; anything else is left to pydantic (ISO 8601, seconds)."""
    if isinstance(value, str) and (found := _DURATION.fullmatch(value.strip().lower())):
        return timedelta(**{_UNITS[found[2]]: int(found[1])})
    return value


def listing(value: object) -> object:
    """Read a comma-separated text as a list; a JSON list is left to pydantic."""
    if isinstance(value, str) and not value.lstrip().startswith("["):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


MAY_BE_EMPTY: Final = "empty switches it off"
"""Marks a text whose empty value means something; any other empty variable means its default."""

Switchable = Annotated[str, MAY_BE_EMPTY]
Duration = Annotated[timedelta, BeforeValidator(duration)]


class Tls(StrEnum):
    """How the connection to the relay is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    IMPLICIT = "implicit"


class UnknownPolicy(StrEnum):
    """What becomes of a mail whose reply was lost: one more copy at most, or none."""

    RESEND = "resend"
    HOLD = "hold"


class ProofOfWork(StrEnum):
    """Whether a visitor's browser must solve a small task before a sign-up is taken."""

    OFF = "off"
    AUTO = "auto"
    ON = "on"


class Images(StrEnum):
    """Whose pictures a mail may show."""

    OWN = "own"
    ALL = "all"
    NONE = "none"


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Site(_Group):
    """The publisher as readers know it."""

    name: str = "News"
    url: str = ""


class Brand(_Group):
    """What the mails and pages look like."""

    logo_url: str = ""
    logo_width: int = 160
    logo_height: int = 40
    accent: str = "#0b57b7"
    accent_dark: str = "#8ab4f8"


class Sender(_Group):
    """Who the mails are from, and where answers and bounces go."""

    name: str = Field(default="", max_length=64)
    address: str = ""
    reply_to: str = ""
    list_id: str = ""
    bounce_address: str = ""
    unsubscribe_address: str = ""
    feedback_id: str = ""


class Imprint(_Group):
    """Who answers for the mails: required by law, so no mail leaves without it."""

    name: str = ""
    address: str = ""
    url: str = ""
    privacy_url: str = ""
    contact: str = ""


class Smtp(_Group):
    """The relay that takes our mail."""

    host: str = "localhost"
    port: int = Field(default=25, ge=1, le=65535)
    username: str = ""
    password: SecretStr = SecretStr("")
    tls: Tls = Tls.STARTTLS
    ca_file: Path | None = None
    connections: int = Field(default=8, ge=1, le=100)
    rate: float = Field(default=0, ge=0)
    """Mails per second for all workers together; 0 = no limit."""


class Dkim(_Group):
    """Keys that sign each mail; without them the relay must sign."""

    domain: str = ""
    selector: str = ""
    key_file: Path | None = None
    selector_2: str = ""
    key_2_file: Path | None = None


class Fetch(_Group):
    """How feeds are asked."""

    allow_private: bool = False
    ports: Annotated[list[int], BeforeValidator(listing)] = [80, 443, 8080, 8443]


class WorkerSettings(_Group):
    """The processes that send."""

    processes: int = Field(default=1, ge=1, le=64)
    lease: Duration = timedelta(seconds=120)


class Instant(_Group):
    """Alerts as it happens, bundled."""

    gap: Duration = timedelta(minutes=15)
    per_day: int = Field(default=10, ge=1)
    quiet: Switchable = Field(default="22:00-07:00", pattern=r"^(\d\d:\d\d-\d\d:\d\d)?$")


class MailSettings(_Group):
    """What stands in mails beside the articles."""

    images: Images = Images.OWN
    searches: Annotated[list[str], BeforeValidator(listing)] = []
    """`Name=https://…{query}`, at most two."""
    welcome: bool = True
    goodbye: bool = False


class Limits(_Group):
    """How often one network may do what; the syntax of the `limits` library, empty = off."""

    sign_up: Switchable = "10/10 minutes; 50/day"
    sign_up_network: Switchable = "60/10 minutes"
    sign_up_site: Switchable = "10000/hour"
    manage: Switchable = "5/10 minutes"
    preview: Switchable = "30/10 minutes"
    invalid_token: Switchable = "30/10 minutes"  # noqa: S105 - a limit, no password


class Signup(_Group):
    """How people sign up."""

    proof_of_work: ProofOfWork = ProofOfWork.OFF


class Embed(_Group):
    """Forms on the publisher's own pages."""

    origins: Annotated[list[str], BeforeValidator(listing)] = []
    next: Annotated[list[str], BeforeValidator(listing)] = []


class Metrics(_Group):
    """Who may read /metrics besides this machine."""

    token: SecretStr = SecretStr("")


class Retention(_Group):
    """How long what is kept."""

    requests: Duration = timedelta(days=7)
    networks: Duration = timedelta(days=30)
    left: Duration = timedelta(days=30)
    leavers_years: int = Field(default=3, ge=0, le=30)
    deliveries: Duration = timedelta(days=90)
    article_texts: Duration = timedelta(days=90)
    articles: Duration = timedelta(days=180)


class Consent(_Group):
    """Where the proof of consent is anchored outside the database."""

    anchor_file: Path | None = None


class Settings(BaseSettings):
    """All settings; frozen, complete, checked."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid", env_ignore_empty=True
    )

    database_url: str = "sqlite:///digest.db"
    secret_key: SecretStr = SecretStr("")
    secret_keys_old: Annotated[list[SecretStr], BeforeValidator(listing)] = []
    secret_keys_unsubscribe: Annotated[list[SecretStr], BeforeValidator(listing)] = []
    address_key: SecretStr = SecretStr("")
    base_url: str = "http://localhost:8000"
    timezone: str = "Europe/Berlin"
    language: str = "de"
    catch_up: Duration = timedelta(hours=6)
    unknown: UnknownPolicy = UnknownPolicy.RESEND
    templates_dir: Path | None = None
    state_dir: Path | None = None
    proxies: Annotated[list[str], BeforeValidator(listing)] = ["127.0.0.1", "::1"]
    archive: bool = True
    log_level: str = Field(default="warning", pattern="^(debug|info|warning|error)$")

    site: Site = Site()
    brand: Brand = Brand()
    sender: Sender = Sender()
    imprint: Imprint = Imprint()
    smtp: Smtp = Smtp()
    dkim: Dkim = Dkim()
    fetch: Fetch = Fetch()
    worker: WorkerSettings = WorkerSettings()
    instant: Instant = Instant()
    mail: MailSettings = MailSettings()
    limits: Limits = Limits()
    signup: Signup = Signup()
    embed: Embed = Embed()
    metrics: Metrics = Metrics()
    retention: Retention = Retention()
    consent: Consent = Consent()

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take nothing but what is handed in: `load` reads the environment itself."""
        return (init_settings,)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in _zones():
            raise ValueError(f"{value!r} is no time zone; use a name like Europe/Berlin")
        return value

    @field_validator("base_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", value):
            raise ValueError("must be an address like https://news.example.org")
        return value.rstrip("/")


@cache
def _zones() -> frozenset[str]:
    """All time zones: to list them reads a folder of six hundred files."""
    return frozenset(available_timezones())


def variables(model: type[BaseModel] = Settings, path: str = PREFIX) -> Iterator[tuple[str, Any]]:
    """Each variable with its field, in the order of the tree; secrets also as `…_FILE`."""
    for name, field in model.model_fields.items():
        key = f"{path}{name}".upper()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from variables(field.annotation, f"{key}__")
        else:
            yield key, field


def is_secret(field: Any) -> bool:
    """Whether a field holds a secret, alone or in a list."""
    return "SecretStr" in str(field.annotation)


def load(
    environ: Mapping[str, str] | None = None, *, env_file: Path | None = Path(".env"), **overrides: Any
) -> Settings:
    """Read the settings; raises `SettingsError` with every problem at once."""
    given = _given(os.environ if environ is None else environ, env_file)
    known = dict(variables())
    problems = [_unknown(name, known) for name in given if name not in known and not _is_file_of(name, known)]
    values = {
        name: text for name, text in given.items() if name in known and (text or _may_be_empty(known[name]))
    }
    for name, field in known.items():
        if is_secret(field) and (path := given.get(f"{name}_FILE")):
            try:
                values[name] = Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                problems.append(f"{name}_FILE: {path} cannot be read ({error.strerror}).")
    try:
        settings = Settings(**_tree(values), **overrides)
    except ValidationError as error:
        problems += [_sentence(detail) for detail in error.errors()]
        raise SettingsError(problems) from None
    if problems:
        raise SettingsError(problems)
    return settings


def _may_be_empty(field: Any) -> bool:
    return MAY_BE_EMPTY in field.metadata


def missing_for_links(settings: Settings) -> list[str]:
    """What is lacking before a link can be signed; a sentence each."""
    key = settings.secret_key.get_secret_value()
    problems = []
    if not key:
        problems.append(
            "DIGEST_SECRET_KEY is missing: set a random text of at least 32 characters, for example from `openssl rand -hex 32`."
        )
    elif len(key.encode()) < 32 or any(word in key.lower() for word in _PLACEHOLDERS):
        problems.append(
            "DIGEST_SECRET_KEY is too weak: use at least 32 random characters (`openssl rand -hex 32`)."
        )
    if settings.secret_keys_old and not settings.address_key.get_secret_value():
        problems.append(
            "DIGEST_ADDRESS_KEY is missing: with DIGEST_SECRET_KEYS_OLD it must be set on its own."
        )
    return problems


def missing_for_sending(settings: Settings) -> list[str]:
    """What is lacking before a mail may leave; a sentence each."""
    problems = missing_for_links(settings)
    required = {
        "DIGEST_SENDER__NAME": (settings.sender.name, "the name readers see"),
        "DIGEST_SENDER__ADDRESS": (settings.sender.address, "the address the mails come from"),
        "DIGEST_IMPRINT__NAME": (settings.imprint.name, "the legal name that answers for the mails"),
        "DIGEST_IMPRINT__ADDRESS": (settings.imprint.address, "its postal address"),
        "DIGEST_IMPRINT__URL": (settings.imprint.url, "the page with the full imprint"),
        "DIGEST_IMPRINT__PRIVACY_URL": (settings.imprint.privacy_url, "the privacy notice"),
    }
    problems += [f"{name} is missing: set {what}." for name, (value, what) in required.items() if not value]
    if not settings.base_url.startswith("https://") and not is_loopback(settings.base_url):
        problems.append(
            "DIGEST_BASE_URL must start with https://: one-click unsubscribe (RFC 8058) needs it."
        )
    return problems


def masked(settings: Settings) -> dict[str, str]:
    """Every variable with its value as text; secrets are shown as `********`."""
    shown = {}
    for name, field in variables():
        value: Any = settings
        for part in name.removeprefix(PREFIX).lower().split("__"):
            value = getattr(value, part)
        if is_secret(field):
            shown[name] = "********" if _has_secret(value) else ""
        elif isinstance(value, list):
            shown[name] = ",".join(str(part) for part in value)
        else:
            shown[name] = "" if value is None else str(value)
    return shown


def _has_secret(value: SecretStr | list[SecretStr]) -> bool:
    return bool(value if isinstance(value, list) else value.get_secret_value())


def is_loopback(url: str) -> bool:
    """Whether an address is one of this machine."""
    host = url.split("://", 1)[-1].split("/", 1)[0].rsplit(":", 1)[0]
    return host in {"localhost", "[::1]"} or host.startswith("127.")


def _given(environ: Mapping[str, str], env_file: Path | None) -> dict[str, str]:
    found = dotenv_values(env_file) if env_file is not None and env_file.is_file() else {}
    merged = {**found, **environ}
    return {
        name.upper(): text
        for name, text in merged.items()
        if name.upper().startswith(PREFIX) and text is not None
    }


def _is_file_of(name: str, known: Mapping[str, Any]) -> bool:
    secret = name.removesuffix("_FILE")
    return secret != name and secret in known and is_secret(known[secret])


def _unknown(name: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"{name} is no setting of newsdigest" + (f"; did you mean {near[0]}?" if near else ".")


def _tree(values: Mapping[str, str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, text in values.items():
        *groups, leaf = name.removeprefix(PREFIX).lower().split("__")
        branch = tree
        for group in groups:
            branch = branch.setdefault(group, {})
        branch[leaf] = text
    return tree


def _sentence(detail: Any) -> str:
    name = PREFIX + "__".join(str(part) for part in detail["loc"] if isinstance(part, str)).upper()
    message = detail["msg"].removeprefix("Value error, ")
    return f"{name}: {message[0].lower()}{message[1:]}."
