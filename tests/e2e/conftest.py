"""The journeys run on both databases; `make test` tells them on SQLite, `make test-long` and CI on PostgreSQL too."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the PostgreSQL half of this folder as long."""
    for item in items:
        if item.path.is_relative_to(__file__.removesuffix("conftest.py")) and "[postgresql" in item.name:
            item.add_marker(pytest.mark.long)
