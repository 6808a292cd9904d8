"""Measurements, each runnable with one command; results stand in docs/benchmarks.md."""
