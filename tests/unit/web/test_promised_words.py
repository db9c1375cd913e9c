"""The words that readers were promised, letter by letter, in both languages."""

from typing import TYPE_CHECKING

import pytest

from tests.unit.web.test_words import catalogue

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

PROMISED = {
    "News on your topics, by email": "News zu deinen Themen, per E-Mail",
    "Pick your topics. You get only what matches and can leave at any time.":
        "Wähle deine Themen. Du bekommst nur, was dazu passt, und kannst jederzeit abbestellen.",
    "Email address": "E-Mail-Adresse",
    "Topics": "Themen",
    "Your own topic (search terms)": "Eigenes Thema (Suchbegriffe)",
    "How often": "Häufigkeit",
    "As it happens, bundled": "Sofort, gebündelt",
    "Daily": "Täglich",
    "Monday to Friday": "Montag bis Freitag",
    "Weekly": "Wöchentlich",
    "Sign up for free": "Kostenlos anmelden",
    "Show matches": "Treffer ansehen",
    "Confirm subscription": "Anmeldung bestätigen",
    "This wasn't me": "Das war ich nicht",
    "Yes, unsubscribe": "Ja, abbestellen",
    "Save": "Speichern",
    "A mistake? Subscribe again": "Versehen? Wieder anmelden",
    "By pressing “Sign up for free” you order the email newsletter of %(publisher)s on the chosen topics. First you get an "
    "email to confirm. You can leave at any time by the link in every edition. We measure neither opens nor clicks.":
        "Mit „Kostenlos anmelden“ bestellst du den E-Mail-Newsletter von %(publisher)s zu den gewählten Themen. Du erhältst "
        "zuerst eine E-Mail zur Bestätigung. Abbestellen kannst du jederzeit über den Link in jeder Ausgabe. Wir messen weder "
        "Öffnungen noch Klicks.",
    "Please enter a valid email address, for example name@example.org.":
        "Bitte gib eine gültige E-Mail-Adresse ein, zum Beispiel name@example.org.",
    "Choose at least one topic.": "Wähle mindestens ein Thema.",
    "This topic no longer exists.": "Dieses Thema gibt es nicht mehr.",
    "At position %(position)s: %(hint)s": "An Stelle %(position)s: %(hint)s",
    "Almost done: check your inbox": "Fast geschafft: Schau in dein Postfach",
    "If there is something to confirm, an email from %(sender)s is on its way. Nothing there? Look in your spam folder; we send "
    "at most one a day.":
        "Gibt es etwas zu bestätigen, kommt gleich eine E-Mail von %(sender)s. Nichts da? Sieh im Spam-Ordner nach; wir schicken "
        "höchstens eine am Tag.",
    "You're in": "Du bist dabei",
    "Your first edition comes %(date)s if there is news.": "Die erste Ausgabe kommt %(date)s, sobald es Neues gibt.",
    "You are already subscribed.": "Du bist schon dabei.",
    "This link has expired": "Dieser Link ist abgelaufen",
    "This link is incomplete or invalid. Open it from the email itself or ask for a new one.":
        "Dieser Link ist unvollständig oder ungültig. Öffne ihn direkt aus der E-Mail oder lass dir einen neuen schicken.",
    "Saved. Next edition: %(date)s.": "Gespeichert. Nächste Ausgabe: %(date)s.",
    "Paused until %(date)s. It goes on by itself.": "Pausiert bis %(date)s. Danach geht es von selbst weiter.",
    "To be safe we emailed you a link. It works for 15 minutes.":
        "Zur Sicherheit haben wir dir einen Link geschickt. Er gilt 15 Minuten.",
    "If this address is subscribed, we have just sent a link.":
        "Falls diese Adresse angemeldet ist, haben wir gerade einen Link geschickt.",
    "Unsubscribe?": "Newsletter abbestellen?",
    "Change topics or pause instead": "Lieber Themen ändern oder pausieren",
    "You are unsubscribed": "Du bist abgemeldet",
    "%(address)s gets no more editions from us.": "%(address)s erhält keine Ausgaben mehr von uns.",
    "too many emails": "zu viele E-Mails",
    "not for me": "passt nicht zu mir",
    "never signed up": "nie angemeldet",
    "technical problems": "technische Probleme",
    "other reason": "anderer Grund",
    "Muted until %(date)s: %(what)s": "Stumm bis %(date)s: %(what)s",
    "Got it: less of this from now on.": "Verstanden: künftig weniger davon.",
    "I want all my data erased. This cannot be undone.":
        "Ich möchte alle meine Daten löschen. Das lässt sich nicht rückgängig machen.",
    "Your data is erased.": "Deine Daten sind gelöscht.",
    "Too many tries. Please try again in %(minutes)s minutes.": "Zu viele Versuche. Bitte in %(minutes)s Minuten noch einmal.",
    "We are busy. Please try again in a moment.": "Gerade ist viel los. Bitte versuche es gleich noch einmal.",
    "There is no such page.": "Diese Seite gibt es nicht.",
    "That was our fault. Reference: %(id)s": "Das war unser Fehler. Kennung: %(id)s",
    "We do not know this article yet.": "Diesen Artikel kennen wir noch nicht.",
    "Did you mean %(address)s?": "Meintest du %(address)s?",
    "Never anything about": "Nie etwas zu",
}  # fmt: skip


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_promised_sentence_is_said_as_promised(language: str) -> None:
    said: Catalog = catalogue(language)
    wanted = PROMISED if language == "de" else {english: english for english in PROMISED}
    told = {one: said.get(one) for one in PROMISED}
    assert {one: message and message.string for one, message in told.items()} == wanted
