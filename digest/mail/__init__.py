"""Bytes of mail: slots, headers, MIME, DKIM, and the wire."""
