"""Three validators of the HTML: the W3C's checker, html-validate, and caniemail for what mail programs can show."""

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any, Final

from tests.mailcheck.node import HERE, MODULES, asked
from tests.mailcheck.verdict import Case, Verdict

CLIENTS: Final = "gmail.*,outlook.*,apple-mail.*,yahoo.*"
# What a mail needs and a web page must not have.
VNU_ALLOWED: Final = re.compile(
    r"attribute on the “(table|td|a)” element is obsolete"
    r"|“xmlns:[vo]” not allowed|not serializable as XML 1\.0|“mso-hide”"
    # The target of a link within the mail: old programs know no other, and an id could not hold a value when rules are matched.
    r"|^The “name” attribute is never allowed on the “a” element|^Element “a” is missing required attribute “href”"
    r"|“(x-apple-disable-message-reformatting|supported-color-schemes|format-detection)”"
)
VALIDATE_ALLOWED: Final = frozenset(
    {"no-deprecated-attr", "prefer-tbody", "prefer-native-element", "no-conditional-comment"}
)


def vnu(case: Case) -> Iterator[Verdict]:
    """The Nu Html Checker; errors and warnings."""
    jar = MODULES / "vnu-jar" / "build" / "dist" / "vnu.jar"
    pages = [str(letter.page) for letter in case.letters]
    command = ["java", "-Xmx256m", "-jar", str(jar), "--format", "json", "--exit-zero-always", *pages]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    messages = json.loads(ran.stderr or ran.stdout)["messages"]
    for letter in case.letters:
        own = [each for each in messages if each["url"].endswith(f"/{letter.page.name}")]
        faults = dict.fromkeys(each["message"] for each in own if not VNU_ALLOWED.search(each["message"]))
        yield Verdict("vnu", letter.name, str(len(faults)), tuple(faults))


def html_validate(case: Case) -> Iterator[Verdict]:
    """html-validate's recommended rules."""
    program = MODULES / "html-validate" / "bin" / "html-validate.mjs"
    pages = [str(letter.page) for letter in case.letters]
    # Into a file: through a pipe its end is lost.
    said = case.folder / "html-validate.report.json"
    command = ["node", str(program), "-c", str(HERE / "html-validate.json"), "-f", f"json={said}", *pages]
    subprocess.run(command, check=False, timeout=600)
    reports: list[Any] = json.loads(said.read_text(encoding="utf-8"))
    for letter in case.letters:
        messages = [
            each
            for report in reports
            if report["filePath"].endswith(f"/{letter.page.name}")
            for each in report["messages"]
        ]
        faults = dict.fromkeys(
            f"{each['ruleId']}: {each['message']}"
            for each in messages
            if each["ruleId"] not in VALIDATE_ALLOWED
        )
        yield Verdict("html-validate", letter.name, str(len(faults)), tuple(faults))


def caniemail(case: Case) -> Iterator[Verdict]:
    """What the mail programs of many lack, but for what we can do without there (caniemail-allowed.json says why)."""
    allowed = json.loads((HERE / "caniemail-allowed.json").read_text(encoding="utf-8"))
    found = asked("features.mjs", case.folder, CLIENTS)
    for letter in case.letters:
        faults = [
            f"{feature}: not in {', '.join(lacking)}"
            for feature, programs in found[letter.name].items()
            if (lacking := sorted(set(programs) - set(allowed.get(feature, {}).get("lacking", ()))))
        ]
        yield Verdict("caniemail", letter.name, str(len(faults)), tuple(faults))
