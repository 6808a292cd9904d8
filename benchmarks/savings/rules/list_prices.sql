-- How many lines would be claimed as a price drop, by what is taken for a list price; any drop within the
-- protection days after the purchase counts, whenever that was.
WITH sold AS (
    SELECT order_id, line_id, product_id, market, currency, purchased_at, line_total_minor, q,
        line_total_minor::HUGEINT * 1000000000000 // q AS unit
    FROM lines WHERE line_total_minor > 0
), later AS (
    -- The lowest price per unit on any receipt after it, and on receipts of no more units.
    SELECT a.order_id, a.line_id, min(b.unit) AS any_receipt, min(b.unit) FILTER (b.q <= a.q) AS no_more_units
    FROM sold a JOIN sold b
        ON b.product_id = a.product_id AND b.market = a.market AND b.currency = a.currency
        AND b.purchased_at > a.purchased_at
        AND b.purchased_at <= a.purchased_at + to_days(getvariable('protection_days'))
    GROUP BY ALL
), listed AS (
    SELECT a.order_id, a.line_id, min(s.price) * any_value(c.per_major) AS list_price
    FROM (
        SELECT a.*, s.price AS price_then FROM sold a
        ASOF JOIN list_spells s ON s.product_id = a.product_id AND s.market = a.market AND s.currency = a.currency
            AND a.purchased_at >= s.from_at
        WHERE s.till IS NULL OR a.purchased_at < s.till
    ) a JOIN list_spells s
        ON s.product_id = a.product_id AND s.market = a.market AND s.currency = a.currency
        AND s.from_at > a.purchased_at
        AND s.from_at <= a.purchased_at + to_days(getvariable('protection_days')) AND s.price < a.price_then
    JOIN currencies c ON c.currency = a.currency
    GROUP BY ALL
), drops AS (
    SELECT a.*,
        half_up(greatest(line_total_minor::HUGEINT * 1000000000000 - any_receipt * q, 0), 1000000000000) AS any_receipt,
        half_up(greatest(line_total_minor::HUGEINT * 1000000000000 - no_more_units * q, 0), 1000000000000)
            AS no_more_units,
        half_up(greatest(line_total_minor::HUGEINT * 1000000000000 - list_price * q, 0), 1000000000000) AS list_price
    FROM sold a LEFT JOIN later USING (order_id, line_id) LEFT JOIN listed USING (order_id, line_id)
)
SELECT count(*) AS lines,
    count(*) FILTER (any_receipt > 0) AS any_receipt, coalesce(sum(any_receipt), 0)::BIGINT AS any_receipt_minor,
    count(*) FILTER (no_more_units > 0) AS no_more_units, coalesce(sum(no_more_units), 0)::BIGINT AS no_more_units_minor,
    count(*) FILTER (list_price > 0) AS list_price, coalesce(sum(list_price), 0)::BIGINT AS list_price_minor
FROM drops
