"""How the HTTP service is run: keys, limits, problems, logs, figures, pages, processes. No retail rules."""
