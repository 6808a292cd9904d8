"""Charts say in numbers where everything stands, and in words what they show."""

from datetime import UTC, datetime

from outreach.web.charts import AFTER, LEFT, RIGHT, WIDTH, bars, prices


def day(number: int) -> datetime:
    return datetime(2017, 11, number, tzinfo=UTC)


def test_prices_without_a_gap_are_one_line_and_others_are_not() -> None:
    spells = {
        "list": [(day(1), day(10), 2.0), (day(10), None, 1.5)],
        "promotion": [(day(3), day(5), 1.0), (day(7), day(9), 1.0)],
    }
    chart = prices("one", "Price of milk", spells, [(day(4), 2.0, "bought")], "USD")
    assert chart is not None
    assert [line["kind"] for line in chart.lines] == ["list", "promotion", "promotion"]
    first, *offers = ([tuple(map(float, point.split(","))) for point in line["points"].split()]
                      for line in chart.lines)  # fmt: skip
    assert [x for x, _ in first] == [LEFT, first[1][0], first[1][0], WIDTH - RIGHT]
    assert first[0][1] < first[2][1]  # what costs more stands higher
    assert all(left[1] == right[1] and left[0] < right[0] for left, right in offers)
    assert chart.marks[0]["y"] == first[0][1]
    assert chart.xs[-1]["text"] == f"{day(10) + AFTER:%-d %b}"
    assert chart.description == (
        "list 2 USD from 1 November 2017 to 10 November 2017; list 1.5 USD from 10 November 2017; "
        "promotion 1 USD from 3 November 2017 to 5 November 2017; "
        "promotion 1 USD from 7 November 2017 to 9 November 2017; bought at 2 on 4 November 2017"
    )


def test_where_no_price_is_known_there_is_no_chart() -> None:
    assert (
        prices("one", "Price of milk", {"list": [], "promotion": []}, [(day(4), 2.0, "bought")], "USD")
        is None
    )


def test_a_price_of_one_moment_without_a_purchase_is_drawn() -> None:
    chart = prices("one", "Price of milk", {"list": [(day(1), None, 0.0)]}, [], "JPY")
    assert chart is not None
    assert len(chart.lines) == 1


def test_bars_share_a_scale_and_nothing_has_no_width() -> None:
    chart = bars("one", "Notices", [("late", 4), ("lost", 2), ("none", 0)])
    long, short, none = (row["width"] for row in chart.rows)
    assert (long, none) == (2 * short, 0)
    assert chart.description == "late 4, lost 2, none 0"
    assert bars("one", "Notices", []).description == "nothing"
