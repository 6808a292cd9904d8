"""The review desk: pages for the people who look at what is about to go out."""
