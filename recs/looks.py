"""What a look at a product is worth."""

STRENGTH = {"view": 1.0, "wishlist": 2.0, "cart": 3.0}
"""By the kind of a view; putting a product aside says more than looking at it."""
