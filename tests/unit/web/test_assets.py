"""Our own files: small, in the publisher's colours, under an address that changes with their content."""

import re

from digest.settings import Brand
from digest.web.assets import read_assets


def test_the_files_stay_small() -> None:
    sizes = {name: len(asset.body) for name, asset in read_assets(Brand()).items()}
    assert sizes["pages.css"] <= 8 * 1024
    assert sizes["embed.js"] <= 4 * 1024
    assert sizes["pages.js"] <= 4 * 1024
    assert sizes["proof.js"] <= 2 * 1024


def test_the_publishers_colours_come_first_and_change_the_address() -> None:
    ours, theirs = read_assets(Brand()), read_assets(Brand(accent="#7a1fa2", accent_dark="#e1bee7"))
    assert theirs["pages.css"].body.startswith(b":root{--accent-light:#7a1fa2;--accent-dark:#e1bee7}")
    assert ours["pages.css"].version != theirs["pages.css"].version
    assert b"#7a1fa2" in theirs["icon.svg"].body


def test_the_dark_colours_are_all_that_is_different_in_the_dark() -> None:
    """What else the browser tests look at in the light holds in the dark too."""
    sheet = read_assets(Brand())["pages.css"].body.decode()
    (dark,) = re.findall(r"@media \(prefers-color-scheme:dark\)\{:root\{([^}]*)\}\}", sheet)
    assert all(one.startswith("--") for one in dark.split(";"))
    assert sheet.count("prefers-color-scheme") == 1
