"""A customer's own link, and what they choose there: channel, topics, an end of messages, personalisation.

The page reads a link with `read_link`, shows `standing` and writes with `choose`; only `choose` writes.
"""

from outreach.choices.choosing import choose
from outreach.choices.handing_out import hand_out
from outreach.choices.links import Link, Links, Refused, read_link
from outreach.choices.offered import standing

__all__ = ["Link", "Links", "Refused", "choose", "hand_out", "read_link", "standing"]
