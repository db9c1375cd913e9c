"""The story of the web tests, seen through a browser."""

from tests.integration.web.conftest import clock, story

__all__ = ["clock", "story"]
