from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.feeds.urls import canonical_url, host_of, is_home_page, is_inner, resolve, secure, url_key


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("HTTPS://Example.DE:443/a/../b?x=2&a=1&utm_source=rss#c", "https://example.de/b?x=2&a=1"),
        ("http://example.org", "http://example.org/"),
        (" \thttp://example.org/a\n/b ", "http://example.org/a/b"),
        ("http://example.org:80/", "http://example.org/"),
        ("http://example.org:0080/", "http://example.org/"),
        ("http://example.org:8080/", "http://example.org:8080/"),
        ("https://example.org./x", "https://example.org/x"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://straße.example/", "https://xn--strae-oqa.example/"),
        ("https://ＥＸＡＭＰＬＥ。org/", "https://example.org/"),
        ("https://ex%61mple.org/", "https://example.org/"),
        ("http://[2001:DB8:0::1]:80/", "http://[2001:db8::1]/"),
        ("https://example.org/%7Eann/%c3%bc/%2f/ü b", "https://example.org/~ann/%C3%BC/%2F/%C3%BC%20b"),
        ("https://example.org/100%/%zz", "https://example.org/100%25/%25zz"),
        ("https://example.org/a/./b/../../c//d/..", "https://example.org/c//"),
        ("https://example.org/%2e%2E/a", "https://example.org/a"),
        ("https://example.org\\a\\b", ""),
        ("https://example.org/a\\b", "https://example.org/a/b"),
        ("https://example.org/Path/Case//x", "https://example.org/Path/Case//x"),
        ("https://example.org/?b=2&a=1&c", "https://example.org/?b=2&a=1&c"),
        ("https://example.org/?", "https://example.org/"),
        ("https://example.org/?utm_source=a&utm_medium=b", "https://example.org/"),
        ("https://example.org/?UTM_Source=a&id=7", "https://example.org/?id=7"),
        (
            "https://example.org/?fbclid=1&wt_mc=2&mtm_x=3&pk_y=4&at_z=5&xtor=6&cmpid=7",
            "https://example.org/",
        ),
        ("https://example.org/?ref=rss&source=feed", "https://example.org/"),
        ("https://example.org/?ref=example.org", "https://example.org/"),
        ("https://example.org/?ref=ann&source=paper", "https://example.org/?ref=ann&source=paper"),
        ("https://example.org/a#part", "https://example.org/a"),
        ("https://example.org/a#!/part two", "https://example.org/a#!/part%20two"),
        ("https://ann@example.org/", ""),
        ("https://ann:secret@example.org/", ""),
        ("https://", ""),
        ("https:///path", ""),
        ("//example.org/", ""),
        ("/path", ""),
        ("ftp://example.org/", ""),
        ("javascript:alert(1)", ""),
        ("https://exa mple.org/", ""),
        ("https://a..b/", ""),
        ("https://℀.example/", ""),
        ("https://example.org:0/", ""),
        ("https://example.org:65536/", ""),
        ("https://example.org:x/", ""),
        ("https://[::1/", ""),
        ("https://[fe80::1%25eth0]/", ""),
        (f"https://{'a' * 64}.example/", ""),
        (f"https://example.org/{'a' * 2029}", ""),
        ("\ud800", ""),
        ("", ""),
    ],
)
def test_an_address_has_one_form(written: str, canonical: str) -> None:
    assert canonical_url(written) == canonical
    assert canonical_url(canonical) == canonical


def test_comparing_ignores_scheme_www_and_one_trailing_slash() -> None:
    same = {
        "http://www.example.org/a/",
        "https://example.org/a",
        "https://WWW.example.org:443/a?utm_source=x#y",
    }
    assert {url_key(url) for url in same} == {"example.org/a"}
    assert url_key("https://example.org/a?b") != url_key("https://example.org/a")
    assert url_key("https://example.org//") == "example.org/"
    assert url_key("no address") == ""


@pytest.mark.parametrize(
    ("base", "url", "absolute"),
    [
        ("https://example.org/a/b", "c", "https://example.org/a/c"),
        ("https://example.org/a/b", "/c?d#e", "https://example.org/c?d#e"),
        ("https://example.org/a/b", "?q=1", "https://example.org/a/b?q=1"),
        ("https://example.org/a", "//cdn.example/x", "https://cdn.example/x"),
        ("http://example.org/a", "//cdn.example/x", "http://cdn.example/x"),
        ("", "//cdn.example/x", "https://cdn.example/x"),
        ("", "/c", ""),
        ("", "HTTP://Example.org/Ä b", "HTTP://Example.org/Ä b"),
        ("https://example.org/", "mailto:ann@example.org", ""),
        ("https://example.org/", "javascript:alert(1)", ""),
        ("https://example.org/", "JaVaScRiPt:alert(1)", ""),
        ("https://example.org/", "data:text/html,x", ""),
        ("https://example.org/", "urn:uuid:1", ""),
        ("https://example.org/", "http://[", "http://["),
        ("https://example.org/", "//[", ""),
        ("https://example.org/", "", ""),
    ],
)
def test_relative_addresses_become_absolute_or_nothing(base: str, url: str, absolute: str) -> None:
    assert resolve(base, url) == absolute


@given(st.text("ab./?#;:%=&~-_ä ", max_size=8), st.text("ab./?#;:%=&~-_ä ", min_size=1, max_size=8))
def test_joining_plain_paths_the_short_way_changes_nothing(base: str, written: str) -> None:
    base = f"https://example.org{'' if base[:1] in {'', '/', '?', '#'} else '/'}{base}"
    url = written.strip()
    if url and ":" not in url and not url.startswith("//"):
        assert resolve(base, url) == urljoin(base, url)


def test_an_address_is_secured_unless_it_is_of_this_machine() -> None:
    assert secure("http://example.org/a") == "https://example.org/a"
    assert secure("https://example.org/a") == "https://example.org/a"
    assert secure("http://localhost:8000/a") == "http://localhost:8000/a"
    assert secure("http://127.0.0.1/a") == "http://127.0.0.1/a"
    assert secure("") == ""


def test_an_inner_address_is_recognised() -> None:
    assert is_inner("http://localhost/")
    assert is_inner("http://10.1.2.3/x")
    assert is_inner("http://[::1]:8000/")
    assert is_inner("http://blog.local/")
    assert not is_inner("https://example.org/")
    assert host_of("http://[::1]:8000/") == "::1"


def test_a_home_page_is_a_site_and_no_page() -> None:
    assert is_home_page("https://example.org")
    assert is_home_page("https://example.org/#top")
    assert not is_home_page("https://example.org/?p=1")
    assert not is_home_page("https://example.org/#!/a")
    assert not is_home_page("")


@given(st.text())
def test_no_text_at_all_raises(text: str) -> None:
    for url in (text, f"https://{text}", f"https://example.org/{text}", f"https://example.org/?{text}"):
        canonical = canonical_url(url)
        assert canonical_url(canonical) == canonical
        assert canonical == "" or canonical.startswith(("http://", "https://"))
        assert canonical.isascii()
        assert not any(c in canonical for c in ' "<>\n\t')
        url_key(url)
    assert resolve("https://example.org/", text) == "" or "://" in resolve("https://example.org/", text)
    assert isinstance(resolve(text, "a"), str)


@given(
    st.lists(st.sampled_from(["id=7", "a", "q=%C3%BC", "b=x+y"]), max_size=4),
    st.lists(st.sampled_from(["utm_source=rss", "fbclid=x", "wt_mc=1", "ref=rss"]), max_size=3),
)
def test_tracking_never_changes_the_key(kept: list[str], tracking: list[str]) -> None:
    plain = "https://example.org/a" + ("?" + "&".join(kept) if kept else "")
    tracked = "http://www.example.org/a?" + "&".join([*kept, *tracking])
    assert url_key(plain) == url_key(tracked)
