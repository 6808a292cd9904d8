"""The second stage: what the simple models propose, ranked by a learned probability of purchase.

`shopping` makes the single signals, `signals` looks them up for pairs, `pool` asks the simple models for
candidates, `training` learns from windows of the past, and `ranker` is the recommender that does it all.
"""

from recs.ranker.ranker import MEMBERS, Ranker

__all__ = ["MEMBERS", "Ranker"]
