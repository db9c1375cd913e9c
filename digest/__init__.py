"""The machine: feeds, matching, editions, mail, delivery, web, command line and scheduler of newsdigest."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("newsdigest")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"
