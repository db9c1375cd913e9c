"""Every benchmark with short defaults, one after the other, as one JSON document: `python -m benchmarks [NAME …]`.

Each runs in a process of its own. What cannot run here (no collection, no server) says why under `skipped`; a benchmark
that fails has its last line under `failed`, and the exit code is 1.
"""

import argparse
import json
import os
import subprocess
import sys
from types import MappingProxyType
from typing import Any, Final

SHORT: Final = MappingProxyType(
    {
        "match": "--topics 20000 --articles 1000",
        "analyze": "--articles 1000",
        "topics": "",
        "stories": "",
        "similar": "--articles 10000",
        "parse": "",
        "hostile": "--only laughs",
        "poll": "--feeds 300",
        "compose": "",
        "plan": "--subscribers 2000",
        "send": "--subscribers 1000 --rounds 1",
        "signup": "--seconds 2 --kills 1",
        "confirm": "--subscribers 5000 --seconds 5",
    }
)
"""What each takes to be done in about a minute."""


def measured(name: str) -> dict[str, Any]:
    """The figures of one benchmark, or why there are none."""
    command = [sys.executable, "-m", f"benchmarks.{name}", *SHORT[name].split(), "--json"]
    if name == "parse":
        corpus = os.environ.get("FEED_CORPUS")
        if not corpus:
            return {"skipped": "no feeds; FEED_CORPUS names a folder of documents"}
        command += ["--corpus", corpus]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        figures: dict[str, Any] = json.loads(done.stdout)
        return figures
    last = (done.stderr.strip().splitlines() or ["no word"])[-1]
    is_skipped = last.startswith("skipped:")
    return {"skipped" if is_skipped else "failed": last.removeprefix("skipped:").strip()}


def main() -> None:
    """Run what was named, or all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", choices=[*SHORT, []], default=[], help="all, if none is named")
    parser.add_argument("--json", action="store_true", help="one JSON document (the only form)")
    options = parser.parse_args()
    figures = {name: measured(name) for name in options.names or SHORT}
    print(json.dumps(figures, indent=2))
    if any("failed" in one for one in figures.values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
