from pathlib import Path

from digest.demo.mailbox import Mailbox

RAW = (
    b"From: Blauzeit <news@news.example>\r\nTo: ann@example.org\r\n"
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nContent-Language: de\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"Sch=C3=B6n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Hallo</p>\r\n--b--\r\n"
)


def keep(mailbox, now, *, recipient="ann@example.org", raw=RAW):
    return mailbox.keep(raw, return_path="b@news.example", recipients=(recipient,), now=now)


def test_a_caught_mail_reads_as_a_mail_program_reads_it(tmp_path: Path, now):
    mail = keep(Mailbox(tmp_path), now)
    assert (mail.subject, mail.sender, mail.recipient, mail.language) == (
        "Grüße",
        "Blauzeit",
        "ann@example.org",
        "de",
    )
    assert mail.text.strip() == "Schön"
    assert mail.html.strip() == "<p>Hallo</p>"
    assert mail.head.startswith("From: Blauzeit")


def test_the_file_holds_the_exact_bytes_under_a_name_for_people(tmp_path: Path, now):
    keep(Mailbox(tmp_path / "new" / "folder"), now)
    assert (tmp_path / "new" / "folder" / "0001-ann.eml").read_bytes() == RAW


def test_a_strange_recipient_cannot_choose_the_folder(tmp_path: Path, now):
    mailbox = Mailbox(tmp_path / "in")
    keep(mailbox, now, recipient="../../../out@example.org")
    keep(mailbox, now, recipient='"/"@example.org')
    assert sorted(path.name for path in tmp_path.rglob("*.eml")) == ["0001-out.eml", "0002-mail.eml"]
    assert all(path.parent == tmp_path / "in" for path in tmp_path.rglob("*.eml"))


def test_the_mailbox_never_grows_past_its_limit_and_the_files_go_too(tmp_path: Path, now):
    mailbox = Mailbox(tmp_path, limit=3)
    for _ in range(5):
        keep(mailbox, now)
    assert [mail.number for mail in mailbox] == [5, 4, 3]
    assert (len(mailbox), mailbox.caught) == (3, 5)
    assert len(list(tmp_path.iterdir())) == 3
    assert mailbox.find(1) is None
    assert mailbox.find(5) is not None


def test_broken_mails_are_shown_as_far_as_they_go(tmp_path: Path, now):
    mailbox = Mailbox(tmp_path)
    for raw in (
        b"",
        b"\xff\xfe\x00",
        b"Subject",
        b"Content-Type: text/html; charset=nonsense\r\n\r\nx",
        b"Content-Type: multipart/alternative\r\n\r\n--",
    ):
        mail = keep(mailbox, now, raw=raw)
        assert isinstance(mail.subject + mail.html + mail.text + mail.source + mail.sender, str)
