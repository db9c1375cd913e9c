"""`make check-mail`: every mail there is, judged by the filters, verifiers, readers and validators that receivers use.

Nothing here runs in the default tests: it needs Debian's rspamd, SpamAssassin, OpenDKIM, Chromium, Java and Node. Everything
stays on this machine; names are answered by a name server of our own, which makes SPF, DKIM and DMARC real.
"""
