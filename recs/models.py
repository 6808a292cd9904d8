"""Tables of the recommendations: bundles and which one is current."""
