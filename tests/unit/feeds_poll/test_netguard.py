"""Which addresses may be reached, in every spelling."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.feeds.netguard import BlockedAddressError, BlockedUrlError, guarded_socket, is_public, request_url

PRIVATE = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.0.9 169.254.169.254 172.16.0.1
172.31.255.255 192.0.0.1 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.7 224.0.0.1
239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:0:127.0.0.1 ::ffff:7f00:1 64:ff9b::7f00:1 64:ff9b:1::1 100::1
2001::1 2001:0:7f00:1:: 2001:db8::1 2001:10::1 2001:20::1 2002:7f00:1:: 2002:a00:1::1 3fff::1 4000::1 5f00::1
fc00::1 fd12:3456::1 fe80::1 fec0::1 ff02::1 ff0e::1
""".split()  # noqa: SIM905  # reads as a table

PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.0.0.1 128.0.0.1 172.15.0.1 172.32.0.1 192.0.1.1
198.17.0.1 198.20.0.1 223.255.255.255 ::ffff:8.8.8.8 2001:200::1 2606:4700::1111 2a00:1450:4001::8 2000::1 3ffd::1
""".split()  # noqa: SIM905  # reads as a table

ODD = """
127.1 127.0.1 2130706433 0x7f000001 0x7f.0.0.1 0177.0.0.1 017700000001 127.0.0.01 1 1.1 1.1.1 1.1.1.1.1 256.1.1.1 8.8.8.8.
8.8.8.8/32 [::1] fe80::1%eth0 2606:4700::1111%1 2606:4700:::1 localhost example.org ①.1.1.1 １.1.1.1 ٨.8.8.8 -1 +1.1.1.1
""".split()  # noqa: SIM905  # reads as a table


@pytest.mark.parametrize(
    "address", PRIVATE + ODD + ["", " ", " 8.8.8.8", "8.8.8.8\n", "\x00", "8.8.8.8,10.0.0.1"]
)
def test_what_is_not_one_public_address_is_refused(address: str) -> None:
    assert is_public(address) is False


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_allowed(address: str) -> None:
    assert is_public(address) is True


@given(st.one_of(st.text(), st.integers(), st.none(), st.binary(), st.ip_addresses().map(str)))
def test_the_guard_never_raises(address: object) -> None:
    assert is_public(address) in {True, False}  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize("address", [("127.0.0.1", 80), ("::1", 80, 0, 0), ("fe80::1%1", 80, 0, 1)])
def test_no_socket_exists_for_a_private_address_and_the_error_does_not_name_it(
    address: tuple[object, ...],
) -> None:
    with pytest.raises(BlockedAddressError) as caught:
        guarded_socket((2, 1, 6, "", address))
    assert str(address[0]) not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "feed.example.org/rss",
        "//feed.example.org/",
        "ftp://feed.example.org/",
        "file:///etc/passwd",
        "gopher://feed.example.org/",
        "data:text/xml,<rss/>",
        "javascript:alert(1)",
        "http:///rss",
        "http://?",
        "http://feed.example.org:22/",
        "http://feed.example.org:0/",
        "http://feed.example.org:65536/",
        "http://feed.example.org:x/",
        "http://user@feed.example.org/",
        "http://user:password@feed.example.org/",
        "http://feed.example.org@127.0.0.1/",
        "http://feed.example.org\\@127.0.0.1/",
        "http://feed.example.org/\r\nHost: other",
        "http://feed.example.org/a b",
        "http://feed.exam ple.org/",
        "http://[::1/",
        "http://[fe80::1%25eth0]/",
        "http://" + "a" * 64 + ".example/",
        "http://" + ".".join(["a" * 60] * 5) + "/",
        "http://feed.example.org/" + "x" * 2_048,
        "http://feed.example.org/" + "ü" * 500,
    ],
)
def test_an_address_against_the_policy_is_refused(url: str) -> None:
    with pytest.raises(BlockedUrlError):
        request_url(url)


@pytest.mark.parametrize(
    ("url", "ready"),
    [
        ("http://feed.example.org", "http://feed.example.org/"),
        ("HTTPS://Feed.Example.org:443/Rss?b=2&a=1#top", "https://feed.example.org/Rss?b=2&a=1"),
        ("https://feed.example.org:8443/rss", "https://feed.example.org:8443/rss"),
        (
            "https://bücher.example.org/Übersicht?q=ä",
            "https://xn--bcher-kva.example.org/%C3%9Cbersicht?q=%C3%A4",
        ),
        ("https://feed.example.org/a%2Fb%20c?sig=%3d+x", "https://feed.example.org/a%2Fb%20c?sig=%3d+x"),
        ("http://[2606:4700:0::1111]/rss", "http://[2606:4700::1111]/rss"),
    ],
)
def test_an_allowed_address_goes_out_as_written(url: str, ready: str) -> None:
    assert request_url(url) == ready
    assert request_url(ready) == ready


@given(st.text())
def test_any_text_is_an_address_or_refused(text: str) -> None:
    for url in (text, f"http://{text}", f"https://feed.example.org/{text}"):
        with suppress(BlockedUrlError):
            assert request_url(url).isascii()
