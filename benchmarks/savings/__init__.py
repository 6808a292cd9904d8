"""Savings measured: against the same rules written a second time, and against what customers did."""
