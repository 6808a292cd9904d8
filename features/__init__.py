"""What came in, and what is known from it: the feed contract, feeds, purchase features, interactions."""
