"""Gathering articles: correct, polite, safe, and with a reason for everything."""
