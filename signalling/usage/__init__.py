"""How long sessions were, by application, subject and hour: exact enough to bill by."""
