"""The two spam filters most receivers run, with Debian's rules: what they score, and whether they see who we are."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from mailbox import mbox
from pathlib import Path
from shutil import chown
from socket import create_server
from typing import Any, Final

from tests.mailcheck.letters import Letter
from tests.mailcheck.verdict import Case, Verdict
from tests.mailcheck.zone import HOST, IP

CONFIGURATION: Final = Path(__file__).with_name("rspamd")
USER: Final = "_rspamd"
# Tenths of a second; the first time it compiles its patterns, and keeps them in its folder.
STARTING: Final = 1_200
WANTED: Final = ("R_DKIM_ALLOW", "R_SPF_ALLOW", "DMARC_POLICY_ALLOW")
# At most these scores, list mail and system mail; the lower, the better.
RSPAMD_LIMITS: Final = (-1.0, -0.5)
SPAMASSASSIN_LIMITS: Final = (-1.0, 0.5)


def rspamd(case: Case) -> Iterator[Verdict]:
    """rspamd's score, and that SPF, DKIM and DMARC pass."""
    with _rspamd_running(case) as port:
        for letter in case.letters:
            found = _asked(port, letter)
            score, symbols = round(found["score"], 2), found["symbols"]
            faults = [f"lacks {name}" for name in WANTED if name not in symbols]
            yield _scored("rspamd", letter, score, RSPAMD_LIMITS, faults, _costs(symbols))


def spamassassin(case: Case) -> Iterator[Verdict]:
    """SpamAssassin's score of the mails as received; all in one run, because starting it is the larger part."""
    collected = case.folder / "all.mbox"
    collected.write_bytes(b"\n".join(_posted(letter) for letter in case.letters))
    settings = (
        "dns_available yes", f"dns_server 127.0.0.1:{case.nameserver}", "use_bayes 0", "use_razor2 0",
        "use_pyzor 0", "report_safe 0",
    )  # fmt: skip
    command = ["spamassassin", "-t", "-x", "--mbox", *(f"--cf={line}" for line in settings), str(collected)]
    judged = case.folder / "all.judged.mbox"
    with judged.open("wb") as output:
        subprocess.run(command, stdout=output, check=True, timeout=600)
    # They come back in any order; the receiver's own line names them.
    found = {
        re.findall(r"ESMTPS id (\S+)", str(mail["Received"]))[0]: str(mail["X-Spam-Status"])
        for mail in mbox(judged, create=False)
    }
    for letter in case.letters:
        status = " ".join(found[letter.name].split())
        score = float(re.findall(r"score=(-?[\d.]+)", status)[0])
        tests = status.partition("tests=")[2].partition(" autolearn")[0]
        yield _scored("SpamAssassin", letter, score, SPAMASSASSIN_LIMITS, [], tests)


def _scored(
    judge: str, letter: Letter, score: float, limits: tuple[float, float], faults: list[str], why: str
) -> Verdict:
    limit = limits[0] if letter.is_list else limits[1]
    high = [f"scores {score}, allowed are {limit}: {why}"] if score > limit else []
    return Verdict(judge, letter.name, f"{score:+.1f}", tuple(faults + high))


def _posted(letter: Letter) -> bytes:
    return b"From news@example.org Sun Nov 22 06:00:03 2026\n" + letter.received.read_bytes().replace(
        b"\r\n", b"\n"
    )


def _asked(port: int, letter: Letter) -> Any:
    message = letter.message
    headers = {"IP": IP, "Helo": HOST, "Hostname": HOST, "From": message.sender, "Rcpt": message.recipient}
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/checkv2", body=message.data, headers=headers)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def _costs(symbols: Any) -> str:
    scored = sorted((each["score"], name) for name, each in symbols.items() if each["score"])
    return ", ".join(f"{name} {score:+.2f}" for score, name in reversed(scored))


@contextmanager
def _rspamd_running(case: Case) -> Iterator[int]:
    """rspamd on a free port of this machine, its files below ours; ended by us."""
    folder = (case.folder / "rspamd").absolute()
    folder.mkdir(exist_ok=True)
    chown(folder, USER, USER)
    with create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    variables = dict.fromkeys(("DBDIR", "LOGDIR", "RUNDIR"), folder) | {
        "PORT": port, "NAMESERVER": case.nameserver, "LOCAL_CONFDIR": folder,
        "CHECK": CONFIGURATION,
    }  # fmt: skip
    command = ["rspamd", "-f", "-i", "-u", USER, "-g", USER, "-c", str(CONFIGURATION / "rspamd.conf")]
    process = subprocess.Popen([*command, *(f"--var={name}={value}" for name, value in variables.items())])
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(STARTING):
        if process.poll() is not None:
            raise RuntimeError(
                f"rspamd ended with {process.returncode}; its log is in build/mailcheck/rspamd"
            )
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/ping")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("rspamd does not answer")
