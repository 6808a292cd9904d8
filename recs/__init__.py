"""What each customer would want next: recommenders, slates, bundles, and the storefront's Scorer."""
