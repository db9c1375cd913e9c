"""The last look at a header block, which knows nothing of the writer."""

import pytest

from digest.mail.errors import HeaderError
from digest.mail.scan import expect

GOOD = b"Date: x\r\nSubject: a\r\n b\r\n"


def test_the_expected_block_passes() -> None:
    expect(GOOD, ["Date", "Subject"])


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"Date: x\r\nSubject: a",
        b"Date: x\r\nBcc: eve@example.org\r\nSubject: a\r\n",
        b"Subject: a\r\nDate: x\r\n",
        b"Date: x\r\nDate: x\r\nSubject: a\r\n",
        b"Date: x\nSubject: a\r\n",
        b"Date: x\rSubject: a\r\n",
        b"Date: x\r\n\r\nSubject: a\r\n",
        b"Date: x\r\n \r\nSubject: a\r\n",
        b"Date: \x00\r\nSubject: a\r\n",
        b"Date: x\r\nSubject: \xc3\xbc\r\n",
        b"Date: x\r\nSubject: " + b"a" * 1000 + b"\r\n",
        b"Date: x\r\nSubject:a\r\n",
        b" Date: x\r\nSubject: a\r\n",
    ],
)
def test_any_other_block_is_refused(block: bytes) -> None:
    with pytest.raises(HeaderError):
        expect(block, ["Date", "Subject"])
