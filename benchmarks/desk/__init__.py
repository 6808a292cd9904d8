"""How quick the review desk is with a large batch."""
