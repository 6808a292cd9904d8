"""How good the published slates are."""
