"""Airflow DAGs: each task loads settings, calls a step and returns its receipt."""
