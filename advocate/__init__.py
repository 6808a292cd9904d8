"""The front door: command line, demo, and the database's migrations. Wiring only."""
