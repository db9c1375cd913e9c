"""The five-minute path: a sample publisher, its readers, a mail catcher and an inbox, all on this machine."""
