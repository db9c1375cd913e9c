import asyncio
import smtplib

import pytest

from digest.demo.catcher import HOST, catching
from digest.demo.mailbox import Mailbox


def send(port, raw=b"Subject: Hello\r\n\r\n.dot first\r\n", recipients=("ann@example.org",)):
    with smtplib.SMTP(HOST, port, timeout=10) as client:
        return client.sendmail("news@news.example", recipients, raw)


async def test_a_mail_sent_over_smtp_is_in_the_mailbox_byte_for_byte(tmp_path, now):
    mailbox = Mailbox(tmp_path)
    async with catching(mailbox, clock=lambda: now) as port:
        await asyncio.to_thread(send, port)
    (mail,) = mailbox
    assert mail.raw == b"Subject: Hello\r\n\r\n.dot first\r\n"
    assert (mail.return_path, mail.recipients, mail.received_at) == (
        "news@news.example",
        ("ann@example.org",),
        now,
    )


async def test_a_mail_too_large_is_refused_and_not_kept(tmp_path, now):
    mailbox = Mailbox(tmp_path)
    async with catching(mailbox, clock=lambda: now) as port:
        with pytest.raises(smtplib.SMTPSenderRefused):
            await asyncio.to_thread(send, port, b"Subject: big\r\n\r\n" + b"x" * 72 * 40_000)
    assert len(mailbox) == 0


async def test_a_folder_that_cannot_be_written_is_a_temporary_refusal(tmp_path, now):
    (tmp_path / "taken").write_text("a file, no folder")
    mailbox = Mailbox(tmp_path / "taken")
    async with catching(mailbox, clock=lambda: now) as port:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            await asyncio.to_thread(send, port)
    assert refused.value.smtp_code == 452
    assert len(mailbox) == 0
