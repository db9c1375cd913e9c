"""Scripts and programs of Node: run, and their one JSON document read."""

import json
import subprocess
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
MODULES: Final = HERE / "node_modules"


def asked(script: str, *words: object) -> Any:
    """What the script beside this file says."""
    command = ["node", str(HERE / script), *map(str, words)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    if ran.returncode:
        raise RuntimeError(f"{script} ended with {ran.returncode}: {ran.stderr.strip()[-2000:]}")
    return json.loads(ran.stdout)
