"""Benchmarks: `python -m benchmarks.NAME --json` measures real code beside a named peer or limit in the same run."""
