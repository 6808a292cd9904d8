"""Measurements of the ways to save a customer money."""
