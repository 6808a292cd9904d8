"""How the HTTP service is run: keys, limits, problems, logs, metrics, pages, processes. It knows no retail rules."""
