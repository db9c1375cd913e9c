"""The ledger and its workers: from a planned row to the server's 250."""
