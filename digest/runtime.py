"""The composition root: settings become the running parts, once, and are handed down from here."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from random import Random

from digest.db import Database
from digest.delivery.departed import Departed
from digest.delivery.witness import DEPARTURES_FILE, state_file
from digest.editions.house import House
from digest.editions.plan import InstantRules
from digest.links import Links
from digest.mail.dkim import Signer as DkimSigner
from digest.mail.dkim import load_key
from digest.mail.envelope import Envelopes
from digest.mail.errors import DkimKeyError, MailError
from digest.mail.message import Letterhead
from digest.rendering import Templates, directories
from digest.rendering.context import Publisher
from digest.rendering.errors import RenderingError
from digest.settings import Settings, SettingsError, missing_for_links, missing_for_sending
from subscribers.errors import AddressKeyChangedError
from subscribers.hashing import AddressHasher, check_key
from subscribers.tokens import Signer, SigningKeys

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present moment; the only place that looks at the wall clock, everybody else is handed a clock."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Runtime:
    """The running parts of one process."""

    settings: Settings
    db: Database
    clock: Clock
    rng: Random

    @cached_property
    def links(self) -> Links:
        """Public addresses."""
        return Links(self.settings.base_url)

    @cached_property
    def signer(self) -> Signer:
        """Signs and reads the tokens of links."""
        settings = self.settings
        return Signer(
            keys=SigningKeys(
                current=settings.secret_key.get_secret_value().encode(),
                old=tuple(key.get_secret_value().encode() for key in settings.secret_keys_old),
                unsubscribe=tuple(
                    key.get_secret_value().encode() for key in settings.secret_keys_unsubscribe
                ),
            )
        )

    @cached_property
    def hasher(self) -> AddressHasher:
        """Hashes addresses for what must survive their erasure."""
        own = self.settings.address_key.get_secret_value().encode()
        return (
            AddressHasher(own)
            if own
            else AddressHasher.derived(self.settings.secret_key.get_secret_value().encode())
        )

    @cached_property
    def templates(self) -> Templates:
        """Pages and mails in every language."""
        return Templates(
            directories(self.settings.templates_dir),
            publisher=publisher(self.settings),
            language=self.settings.language,
        )

    @cached_property
    def house(self) -> House:
        """What the publisher decided about all mails."""
        settings = self.settings
        searches = tuple(
            (name.strip(), url.strip())
            for name, _, url in (one.partition("=") for one in settings.mail.searches[:2])
        )
        return House(
            links=self.links,
            timezone=settings.timezone,
            images=settings.mail.images,
            has_archive=settings.archive,
            searches=searches,
        )

    @cached_property
    def letterhead(self) -> Letterhead:
        """What every mail of this sender has in common. Raises MailError."""
        sender = self.settings.sender
        return Letterhead(
            name=sender.name,
            address=sender.address,
            reply_to=sender.reply_to or None,
            list_id=sender.list_id or None,
            list_name=self.settings.site.name,
            help_url=self.links.manage(),
            archive_url=self.links.archive() if self.settings.archive else None,
            sender_id=sender.feedback_id or None,
        )

    @cached_property
    def envelopes(self) -> Envelopes:
        """Message-IDs and return paths. Raises MailError."""
        sender = self.settings.sender
        return Envelopes(
            secret=self.settings.secret_key.get_secret_value().encode(),
            sender=sender.address,
            bounce=sender.bounce_address or None,
            unsubscribe=sender.unsubscribe_address or None,
        )

    @cached_property
    def dkim(self) -> DkimSigner | None:
        """Signs mails; None when the relay does. Raises MailError."""
        dkim = self.settings.dkim
        files = [(dkim.key_file, dkim.selector), (dkim.key_2_file, dkim.selector_2)]
        keys = [load_key(_key_text(file), selector=selector) for file, selector in files if file]
        return (
            DkimSigner(domain=dkim.domain, keys=keys, sender=self.settings.sender.address) if keys else None
        )

    @cached_property
    def instant(self) -> InstantRules:
        """When an instant alert may come."""
        rules = self.settings.instant
        return InstantRules(gap=rules.gap, per_day=rules.per_day, quiet=rules.quiet)

    def close(self) -> None:
        """Give the connections back and end the process of a publisher's own templates, if there is one."""
        if "templates" in vars(self):
            self.templates.close()
        self.db.close()


def _key_text(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise DkimKeyError(f"the DKIM key {file} cannot be read ({error.strerror})") from None


def publisher(settings: Settings) -> Publisher:
    """The publisher as templates read it."""
    brand, imprint = settings.brand, settings.imprint
    return Publisher(
        site={"name": settings.site.name, "url": settings.site.url or settings.base_url},
        brand={
            "logo_url": brand.logo_url or None,
            "logo_width": brand.logo_width,
            "logo_height": brand.logo_height,
            "accent": brand.accent,
            "accent_dark": brand.accent_dark,
        },
        imprint={
            "name": imprint.name,
            "address": [
                line.strip() for line in imprint.address.replace("\n", ",").split(",") if line.strip()
            ],
            "url": imprint.url,
            "privacy_url": imprint.privacy_url,
            "contact": [line.strip() for line in imprint.contact.split(",") if line.strip()],
        },
    )


@contextmanager
def started(settings: Settings, *, clock: Clock = utc_now, rng: Random | None = None) -> Iterator[Runtime]:
    """A runtime on a current database, closed at the end. Raises DatabaseError, SchemaError, SettingsError."""
    runtime = Runtime(settings, Database(settings.database_url), clock, rng or Random())  # noqa: S311 - jitter, no secret
    departures = state_file(settings, DEPARTURES_FILE)
    if departures is not None:
        runtime.db.before_commit = Departed(departures).keep
    try:
        runtime.db.require_schema()
        yield runtime
    finally:
        runtime.close()


def require_links(runtime: Runtime) -> None:
    """Refuse to go on without keys that can sign links; raises SettingsError."""
    if problems := missing_for_links(runtime.settings):
        raise SettingsError(problems)
    try:
        with runtime.db.write() as session:
            check_key(session, runtime.hasher)
    except AddressKeyChangedError:
        raise SettingsError(
            [
                "DIGEST_ADDRESS_KEY is not the one this database was made with: set the old one again, "
                "or unsubscribed people would be mailed."
            ]
        ) from None


def require_sending(runtime: Runtime) -> None:
    """Refuse to send without everything a lawful, signed, readable mail needs; raises SettingsError with all problems."""
    problems = missing_for_sending(runtime.settings)
    if not problems:
        problems = list(_unusable(runtime))
    if problems:
        raise SettingsError(problems)
    require_links(runtime)


def _unusable(runtime: Runtime) -> Iterator[str]:
    for part in ("letterhead", "envelopes", "dkim"):
        try:
            getattr(runtime, part)
        except (MailError, OSError) as error:
            yield f"The {part} cannot be made: {error}."
    try:
        runtime.templates.check()
    except RenderingError as error:
        yield f"A template cannot be used: {error}."
