import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")
HOSTILE = "</title><script>alert(1)</script>"


def mail(
    subject="Hello",
    html="<!DOCTYPE html><html><head><title>x</title></head><p>Hi</p></html>",
    recipient="ann@example.org",
):
    head = f"From: Blauzeit <news@news.example>\r\nTo: {recipient}\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n"
    parts = f"--b\r\nContent-Type: text/plain\r\n\r\nplain {subject}\r\n--b\r\nContent-Type: text/html\r\n\r\n{html}\r\n--b--\r\n"
    return f'{head}Content-Type: multipart/alternative; boundary="b"\r\n\r\n{parts}'.encode()


@pytest.fixture
def keep(mailbox, now):
    def kept(**fields):
        recipient = fields.get("recipient", "ann@example.org")
        return mailbox.keep(mail(**fields), return_path="", recipients=(recipient,), now=now)

    return kept


async def test_an_empty_inbox_says_what_to_expect(browser):
    shown = await browser.get("/inbox/")
    assert "No mail yet" in shown.text
    assert "<dd>48 &lt;</dd>" in shown.text
    assert (await browser.get("/inbox", follow_redirects=True)).status_code == 200


async def test_mails_are_listed_newest_first(browser, keep):
    for subject in ("first", "second", "third"):
        keep(subject=subject)
    shown = (await browser.get("/inbox/")).text
    assert shown.index(">third<") < shown.index(">second<") < shown.index(">first<")


@pytest.mark.parametrize(
    ("show", "expected"),
    [
        ("mail", 'class="paper mail"'),
        ("phone", 'class="paper phone"'),
        ("text", "plain Hello"),
        ("source", "MIME-Version: 1.0"),
        ("nonsense", 'class="paper mail"'),
    ],
)
async def test_a_mail_is_shown_in_four_ways(browser, keep, show, expected):
    keep()
    assert expected in (await browser.get(f"/inbox/1?show={show}")).text


async def test_nothing_in_a_mail_can_run_on_our_pages(browser, keep):
    keep(subject=HOSTILE, html=HOSTILE)
    for path in ("/inbox/", "/inbox/1", "/inbox/1?show=text", "/inbox/1?show=source"):
        shown = await browser.get(path)
        assert "<script>alert" not in shown.text
        assert "script-src 'self'" in shown.headers["Content-Security-Policy"]
    frame = await browser.get("/inbox/1")
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in frame.text


async def test_the_frame_of_a_mail_runs_nothing_and_opens_new_tabs(browser, keep):
    keep()
    body = await browser.get("/inbox/1/body")
    policy = body.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'")
    assert "script" not in policy
    assert '<head><base target="_blank">' in body.text


async def test_the_file_of_a_mail_is_exactly_what_came(browser, keep):
    kept = keep()
    assert (await browser.get("/inbox/1.eml")).content == kept.raw


async def test_the_page_can_ask_whether_there_is_more(browser, keep):
    keep()
    keep()
    assert (await browser.get("/inbox/newest")).text == "2"


async def test_a_mail_that_left_is_not_found(browser, mailbox, keep):
    mailbox.limit = 1
    keep()
    keep()
    for path in ("/inbox/1", "/inbox/1/body", "/inbox/1.eml"):
        assert (await browser.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("wish", "language", "headline"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", "de", "Deine ersten Ausgaben sind da"),
        ("fr,en;q=0.5,de;q=0.3", "en", "Your first digests have arrived"),
        ("", "en", "Your first digests have arrived"),
    ],
)
async def test_the_inbox_speaks_the_language_of_the_browser(browser, keep, wish, language, headline):
    keep()
    shown = (await browser.get("/inbox/", headers={"Accept-Language": wish})).text
    assert f'<html lang="{language}">' in shown
    assert headline in shown
    assert (await browser.get("/inbox/1", headers={"Accept-Language": wish})).status_code == 200


async def test_a_mail_without_html_is_shown_as_text(browser, mailbox, now):
    mailbox.keep(
        b"Subject: plain\r\n\r\njust words\r\n", return_path="", recipients=("a@example.org",), now=now
    )
    assert "just words" in (await browser.get("/inbox/1")).text
