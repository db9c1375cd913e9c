"""Signatures others accept, and none that survives a change."""

from base64 import b64decode
from collections.abc import Callable
from functools import cache
from hashlib import sha256

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from digest.mail.dkim import Key, Signer, load_key, new_key
from digest.mail.errors import DkimKeyError
from tests.support import mailroom

try:
    import nacl
except ImportError:
    nacl = None  # type: ignore[assignment]  # dkimpy needs it for Ed25519 only

RSA = pytest.param(0, id="rsa")
ED25519 = pytest.param(
    1, id="ed25519", marks=pytest.mark.skipif(nacl is None, reason="dkimpy verifies Ed25519 with pynacl")
)


@cache
def mail() -> bytes:
    return mailroom.edition_mail(1).data


def is_valid(data: bytes, *, which: int = 0) -> bool:
    try:
        return bool(dkim.DKIM(data).verify(idx=which, dnsfunc=mailroom.public_keys))
    except dkim.ValidationError:
        return False


@pytest.mark.parametrize("which", [RSA, ED25519])
def test_another_implementation_accepts_every_mail(which: int) -> None:
    for name, golden in mailroom.goldens():
        assert is_valid(golden.data, which=which), name


def test_the_second_signature_is_what_rfc_8463_says() -> None:
    """Checked by hand, so that it is checked even where dkimpy cannot."""
    head = mail().partition(b"\r\n\r\n")[0]
    second = head.split(b"DKIM-Signature: ")[2].split(b"\r\nDate: ")[0]
    tags = dict(tag.strip().split(b"=", 1) for tag in second.split(b";"))
    assert tags[b"a"] == b"ed25519-sha256"
    lines = b"Date: " + head.partition(b"\r\nDate: ")[2]
    fields = lines.replace(b"\r\n ", b" ").split(b"\r\n")
    canonical = [
        b"%b:%b\r\n" % (name.lower(), value.strip())
        for name, _, value in (field.partition(b":") for field in fields)
    ]
    unsigned = b"dkim-signature:" + b" ".join(second.split(b" b=")[0].split()) + b" b="
    public = Ed25519PublicKey.from_public_bytes(b64decode(mailroom.keys()[1].record.partition("p=")[2]))
    public.verify(b64decode(b"".join(tags[b"b"].split())), sha256(b"".join(canonical) + unsigned).digest())


Change = Callable[[bytes], bytes]
CHANGES: dict[str, Change] = {
    "another subject": lambda data: data.replace(b"\r\nSubject: ", b"\r\nSubject: Sale! ", 1),
    "a second From": lambda data: data.replace(b"\r\nFrom:", b"\r\nFrom: eve@example.org\r\nFrom:", 1),
    "a From on top": lambda data: b"From: eve@example.org\r\n" + data,
    "a second Subject": lambda data: b"Subject: x\r\n" + data,
    "another List-Unsubscribe": lambda data: b"List-Unsubscribe: <https://evil.example/>\r\n" + data,
    "a Reply-To": lambda data: b"Reply-To: eve@example.org\r\n" + data,
    "a Cc": lambda data: b"Cc: eve@example.org\r\n" + data,
    "another token": lambda data: data.replace(b"/u/Xk3v", b"/u/Yk3v", 1),
    "another one-click": lambda data: data.replace(b"One-Click", b"One-click", 1),
    "a letter of the body": lambda data: data.replace(b"Morgenblick =C2=B7", b"Mergenblick =C2=B7", 1),
    "a line more": lambda data: data + b"x\r\n",
    "half the body": lambda data: data[: len(data) // 2],
    "another date": lambda data: data.replace(b"06:00:03", b"06:00:04", 1),
    "another content type": lambda data: data.replace(b"multipart/alternative", b"multipart/mixed", 1),
}


@pytest.mark.parametrize("which", [RSA, ED25519])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_any_change_breaks_the_signature(change: Change, which: int) -> None:
    changed = change(mail())
    assert changed != mail()
    assert not is_valid(changed, which=which)


def test_any_changed_octet_of_a_signed_header_breaks_the_signature() -> None:
    start = mail().index(b"\r\nDate: ") + 2
    end = mail().index(b"\r\n\r\n")
    for position in range(start, end, 37):
        octet = mail()[position : position + 1]
        if octet.isalnum():
            other = b"x" if octet != b"x" else b"y"
            assert not is_valid(mail()[:position] + other + mail()[position + 1 :]), position


def test_what_must_be_covered_is_named_once_more_than_it_occurs() -> None:
    signature = mail().partition(b"\r\nDKIM-Signature")[0].replace(b"\r\n ", b"")
    names = signature.partition(b" h=")[2].partition(b";")[0].decode().split(":")
    for name in (
        "from",
        "subject",
        "to",
        "date",
        "message-id",
        "list-unsubscribe",
        "list-unsubscribe-post",
        "content-type",
    ):
        assert names.count(name) == 2, name
    for name in ("cc", "reply-to", "list-id", "feedback-id", "precedence"):
        assert names.count(name) == 1, name
    assert " l=" not in signature.decode()
    assert " x=" not in signature.decode()
    assert b"c=relaxed/relaxed" in signature


def test_ed25519_alone_is_refused() -> None:
    with pytest.raises(DkimKeyError, match="needs an RSA key"):
        Signer(domain="example.org", keys=[mailroom.keys()[1]], sender="news@example.org")


def test_two_keys_of_one_kind_are_refused() -> None:
    with pytest.raises(DkimKeyError, match="two kinds"):
        Signer(domain="example.org", keys=[mailroom.keys()[0]] * 2, sender="news@example.org")


@pytest.mark.parametrize("sender", ["news@example.com", "news@badexample.org", "news@org"])
def test_a_sender_outside_the_domain_is_refused(sender: str) -> None:
    with pytest.raises(DkimKeyError, match="align"):
        Signer(domain="example.org", keys=[mailroom.keys()[0]], sender=sender)


@pytest.mark.parametrize("sender", ["news@example.org", "news@EXAMPLE.org", "news@mail.example.org"])
def test_a_sender_at_or_below_the_domain_is_fine(sender: str) -> None:
    Signer(domain="example.org", keys=[mailroom.keys()[0]], sender=sender)


def _pem(key: rsa.RSAPrivateKey | dsa.DSAPrivateKey, password: bytes = b"") -> bytes:
    lock = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)


def test_a_short_rsa_key_is_refused() -> None:
    with pytest.raises(DkimKeyError, match="1024 bits"):
        load_key(_pem(rsa.generate_private_key(65537, 1024)), selector="s")


@pytest.mark.parametrize(
    "pem",
    [b"", b"not a key", new_key(selector="s", algorithm="ed25519-sha256")[1][:60]],
    ids=["empty", "text", "cut off"],
)
def test_what_is_no_key_is_refused_in_one_sentence(pem: bytes) -> None:
    with pytest.raises(DkimKeyError, match="no private key in PEM form"):
        load_key(pem, selector="s")


def test_a_locked_key_is_refused() -> None:
    locked = _pem(rsa.generate_private_key(65537, 2048), b"secret")
    with pytest.raises(DkimKeyError, match="without a password"):
        load_key(locked, selector="s")


def test_a_key_of_another_kind_is_refused() -> None:
    with pytest.raises(DkimKeyError, match="neither RSA nor Ed25519"):
        load_key(_pem(dsa.generate_private_key(1024)), selector="s")


@pytest.mark.parametrize("selector", ["", "a b", "a;b", "ü"])
def test_a_selector_that_is_no_dns_name_is_refused(selector: str) -> None:
    with pytest.raises(DkimKeyError, match="selector"):
        load_key(new_key(selector="s", algorithm="ed25519-sha256")[1], selector=selector)


def test_a_new_key_reads_back_as_it_was_made() -> None:
    made, pem = new_key(selector="s2026", algorithm="ed25519-sha256")
    read: Key = load_key(pem, selector="s2026")
    assert read.record == made.record
    assert read.record.startswith("v=DKIM1; k=ed25519; p=")
