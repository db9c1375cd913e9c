"""The feed documents of these tests, and the public collections where they are present."""

import os
from pathlib import Path

import pytest

DATA = Path(__file__).parents[2] / "data" / "feeds"


def read(name: str) -> bytes:
    return (DATA / name).read_bytes()


def corpus(folder: str) -> Path:
    """The folder of a public collection, or a skip that says how to provide it."""
    default = Path(__file__).parents[3].parent / "shared" / "data" / "feeds"
    root = Path(os.environ.get("FEED_CORPUS") or default)
    if not (root / folder).is_dir():
        pytest.skip(f"no feed collection at {root}; set FEED_CORPUS")
    return root / folder


def documents(folder: str, pattern: str = "*") -> list[Path]:
    return [
        path for path in sorted(corpus(folder).rglob(pattern)) if path.is_file() and path.name != "LICENSE"
    ]
