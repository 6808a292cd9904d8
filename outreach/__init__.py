"""Who is owed money or could pay less: finders, policy, decisions, batches, ledger and channels."""
