"""`python -m benchmarks.poll`; apart, so that no parse process loads what only the benchmark needs."""

from benchmarks.poll import main

main()
