"""The command line: one small function a command; `digest --help` teaches, errors are one sentence."""

from digest.cli.app import main

__all__ = ["main"]
