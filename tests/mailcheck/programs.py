"""What must be on the machine: found, or on a Debian where we are root installed, or named."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Final

from tests.mailcheck.node import HERE, MODULES

# Program → Debian's package.
PROGRAMS: Final = {
    "rspamd": "rspamd", "spamassassin": "spamassassin", "opendkim": "opendkim", "chromium": "chromium",
    "java": "default-jre-headless", "node": "nodejs", "npm": "npm",
}  # fmt: skip
NODE: Final = (20, 19)


def missing() -> list[str]:
    """Sentences about what is not there, after installing what can be installed."""
    packages = _lacking()
    if packages and os.geteuid() == 0 and which("apt-get"):
        _install(packages)
    return list(_sentences())


def versions() -> Iterator[tuple[str, str]]:
    """Every judge and its version."""
    for package in ("rspamd", "spamassassin", "opendkim", "chromium"):
        yield package, _said("dpkg-query", "-W", "-f", "${Version}", package)
    for module in ("mailauth", "mailparser", "vnu-jar", "html-validate", "caniemail", "axe-core"):
        yield module, _said("node", "-p", f"require('{MODULES}/{module}/package.json').version")


def _lacking() -> list[str]:
    return [package for program, package in PROGRAMS.items() if which(program) is None]


def _install(packages: list[str]) -> None:
    # Without a run level no daemon is started; ours run in the foreground, on loopback, as long as the check.
    environment = {**os.environ, "RUNLEVEL": "1", "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-q"], check=False, env=environment)
    command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
    subprocess.run(command, check=False, env=environment)


def _sentences() -> Iterator[str]:
    for package in _lacking():
        yield f"{package} is not installed (Debian: apt-get install {package}, as root)."
    if os.geteuid() != 0:
        yield "Only root can start rspamd as its own user: run it as root, in a container for example."
    if which("node") is None or which("npm") is None:
        return
    if tuple(map(int, _said("node", "-p", "process.versions.node").split(".")[:2])) < NODE:
        yield f"Node {NODE[0]}.{NODE[1]} or newer is needed."
    elif not _has_modules():
        yield "The Node modules could not be installed: see what npm says above."


def _has_modules() -> bool:
    """Whether what the lock file names is there; npm is asked only when it changed."""
    stamp = MODULES / ".installed"
    lock = (HERE / "package-lock.json").read_bytes()
    if stamp.exists() and stamp.read_bytes() == lock:
        return True
    ran = subprocess.run(["npm", "ci", "--ignore-scripts", "--prefix", str(HERE)], check=False, cwd=HERE)
    if ran.returncode == 0:
        Path(stamp).write_bytes(lock)
    return ran.returncode == 0


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
