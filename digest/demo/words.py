"""The few sentences of the demo's own pages, in English and German; the mails themselves come from the product's templates."""

from typing import Final

LANGUAGES: Final = ("en", "de")

INBOX: Final = {
    "en": {
        "language": "en",
        "brand": "demo inbox",
        "inbox": "Inbox",
        "skip": "Skip to the mail",
        "refresh": "Refresh",
        "one_more": "1 new mail",
        "more": "{} new mails",
        "mails": "Mails",
        "nothing": "No mail yet. The first digests are on their way; this takes a few seconds.",
        "no_subject": "(no subject)",
        "to": "to",
        "all_mails": "All mails",
        "views": "Views of this mail",
        "frame": "The mail",
        "show_mail": "Mail",
        "show_phone": "Phone",
        "show_text": "Text",
        "show_source": "Source",
        "download": "Download .eml",
        "body": "Body as it travelled",
        "signed": "DKIM signed",
        "one_click": "one-click unsubscribe",
        "both_parts": "HTML and text",
        "headline": "Your first digests have arrived",
        "lead": (
            "Each reader chose topics, an hour and a language. Each got one mail: every matching article once,"
            " with the reason it is there, and one click to leave."
        ),
        "look_around": "Look around",
        "note": (
            "Everything runs on this machine: the publisher, the feeds, the database, the mail server."
            " No mail leaves it."
        ),
        "feeds": "feeds",
        "articles": "articles",
        "matches": "matches",
        "editions": "editions",
        "sent": "mails",
        "seconds": "from feed to inbox",
        "publisher": "Read the invented publisher’s site",
        "sign_up": "Sign up yourself: the mail arrives here",
        "archive": "See the public archive",
    },
    "de": {
        "language": "de",
        "brand": "Demo-Posteingang",
        "inbox": "Posteingang",
        "skip": "Zur E-Mail springen",
        "refresh": "Neu laden",
        "one_more": "1 neue E-Mail",
        "more": "{} neue E-Mails",
        "mails": "E-Mails",
        "nothing": "Noch keine E-Mail. Die ersten Ausgaben sind unterwegs, das dauert ein paar Sekunden.",
        "no_subject": "(ohne Betreff)",
        "to": "an",
        "all_mails": "Alle E-Mails",
        "views": "Ansichten dieser E-Mail",
        "frame": "Die E-Mail",
        "show_mail": "E-Mail",
        "show_phone": "Telefon",
        "show_text": "Text",
        "show_source": "Quelltext",
        "download": ".eml herunterladen",
        "body": "Inhalt, wie er übertragen wurde",
        "signed": "mit DKIM signiert",
        "one_click": "Abbestellen mit einem Klick",
        "both_parts": "HTML und Text",
        "headline": "Deine ersten Ausgaben sind da",
        "lead": (
            "Jede Leserin hat Themen, eine Uhrzeit und eine Sprache gewählt. Jede bekam eine E-Mail: jeden passenden"
            " Artikel einmal, mit dem Grund, warum er dort steht, und mit einem Klick zum Abbestellen."
        ),
        "look_around": "Sieh dich um",
        "note": (
            "Alles läuft auf diesem Rechner: der Verlag, die Feeds, die Datenbank, der Mailserver."
            " Keine E-Mail verlässt ihn."
        ),
        "feeds": "Feeds",
        "articles": "Artikel",
        "matches": "Treffer",
        "editions": "Ausgaben",
        "sent": "E-Mails",
        "seconds": "vom Feed zum Posteingang",
        "publisher": "Die Seite des erfundenen Verlags lesen",
        "sign_up": "Selbst anmelden: Die E-Mail kommt hier an",
        "archive": "Das öffentliche Archiv ansehen",
    },
}

NEWS: Final = {
    "de": {
        "by": "Von",
        "similar": "Mehr davon, per E-Mail",
        "similar_text": "Ähnliche Artikel, wann und wie oft du magst. Abbestellen mit einem Klick.",
        "similar_button": "Ähnliche Artikel abonnieren",
        "sign_up": "Nach deinen Themen, per E-Mail",
        "demo": "Dies ist der erfundene Verlag der Demo.",
        "inbox": "Zum Posteingang",
        "feed_word": "Feed",
    },
    "en": {
        "by": "By",
        "similar": "More like this, by email",
        "similar_text": "Similar articles, when and as often as you like. Leave with one click.",
        "similar_button": "Get similar articles",
        "sign_up": "Your topics, by email",
        "demo": "This is the demo's invented publisher.",
        "inbox": "Back to the inbox",
        "feed_word": "Feed",
    },
}


def preferred(accept_language: str) -> str:
    """German for a browser that names it before English, else English."""
    for wish in accept_language.lower().split(","):
        if (language := wish.strip()[:2]) in LANGUAGES:
            return language
    return LANGUAGES[0]
