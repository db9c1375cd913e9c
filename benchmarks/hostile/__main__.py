"""`python -m benchmarks.hostile`; apart, so that no parse process loads what only the benchmark needs."""

from benchmarks.hostile import main

main()
