"""What the crowd is like: measured on the Complete Journey by `python -m benchmarks.savings.calibrate`."""

BASKETS_A_YEAR = 63.0
"""Mean baskets of a household in a year. These households shop often: see `Plan.activity`."""

BASKETS_SIGMA = 1.13
"""Sigma of the logarithm of baskets per household."""

LINES_LOG_MEAN = 1.57
LINES_SIGMA = 1.17
"""Lines of a basket: mean and sigma of their logarithm."""

POPULARITY_HEAD = 0.65
POPULARITY_TAIL = 0.86
POPULARITY_BREAK = 1_000
"""Lines of a product fall with its rank to the power of minus this, in the first 1,000 and after them."""

SEVERAL_SHARE = 0.21
"""Share of lines with more than one unit."""

PRICE_LOG_MEAN = 0.61
PRICE_SIGMA = 0.74
"""List prices in major units: mean and sigma of their logarithm."""

LINES_MOST = 120
BASKETS_MOST = 60
"""Where the long tails are cut."""
