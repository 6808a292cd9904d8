"""Promises: what customers were told they would get, from the word to its end, to the minor unit."""
