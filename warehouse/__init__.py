"""Where things are kept: settings, database, lake, leases, receipts, errors, clock. No retail rules."""
