"""`usher audit`: every entry of the streams, held against the ledger and the dead letters."""
