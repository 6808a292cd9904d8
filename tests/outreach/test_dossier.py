"""What a notice rests on: the prices that a reviewer sees are those that the rule compared."""

from outreach.dossier import PRICES_SINCE, dossier
from outreach.review import show_batch
from tests.conftest import at
from tests.outreach.worlds import FALL, fill, night, shop
from warehouse.settings import Settings


def test_prices_are_shown_by_kind_from_a_while_before_the_purchase(home: Settings) -> None:
    promotion = {"price": "1.20", "kind": "promotion", "effective_at": "2017-11-22", "ends_at": "2017-11-23"}
    for_ever = {"price": "1.70", "kind": "promotion", "effective_at": "2017-11-24", "ends_at": "9999-12-31"}
    not_yet_known = {"price": "9.99", "effective_at": "2017-12-02"}
    fill(home, shop("ann") | {"prices": [*FALL, promotion, for_ever, not_yet_known]})
    night(home)
    (notice,) = show_batch(home)["notices"]
    (told,) = dossier(home, notice["notice_id"]).told
    since = told["bought_at"] - PRICES_SINCE
    assert told["prices"] == {
        "list": [[since, at("2017-11-25"), 2.0], [at("2017-11-25"), None, 1.5]],
        "promotion": [[at("2017-11-22"), at("2017-11-23"), 1.2], [at("2017-11-24"), None, 1.7]],
    }
    assert told["bought_price"] == 2.0
