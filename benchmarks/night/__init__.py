"""How long a whole night takes, and how much memory."""
