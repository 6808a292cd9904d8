"""Tables of the outreach: batches, notices, their history, and the ledger."""
