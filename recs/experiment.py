"""Sticky experiments: which customers a challenger bundle serves, by a salted hash of their id.

The champion is the bundle that is current; `recs.experiment` names the challenger and its share. Nothing is
kept per customer: the same id, salt and share give the same arm in every process and every version.
"""

import hashlib

from recs.answers import Arm
from warehouse.settings import ExperimentSettings

ARMS: tuple[Arm, Arm] = ("champion", "challenger")


def arm_of(customer_id: str, experiment: ExperimentSettings) -> Arm:
    """The arm of a customer: the champion where there is no experiment.

    The first 8 bytes of SHA-256 over salt and id, as a share of all such numbers, lie below the challenger's
    share. So a larger share moves customers to the challenger and none away from it; another salt draws anew.

    Args:
        customer_id: any text.
        experiment: the settings; all three decide.
    """
    if not experiment.challenger:
        return "champion"
    salted = f"{experiment.salt}\x1f{customer_id}".encode("utf-8", "surrogatepass")
    place = int.from_bytes(hashlib.sha256(salted).digest()[:8], "big")
    return "challenger" if place < experiment.share * 2**64 else "champion"
