"""Who may ask: API keys of programs, and how often each may ask."""
