"""`python -m digest.cli` is `digest`."""

from digest.cli import main

main()
