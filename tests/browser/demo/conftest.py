"""The pages of the unit tests, for a real browser."""

from tests.unit.demo.conftest import browser, mailbox, site

__all__ = ["browser", "mailbox", "site"]
