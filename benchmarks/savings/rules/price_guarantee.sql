-- Ordered, not dispatched yet or lately: the lowest list price that began between the order and the dispatch.
WITH at_order AS (
    SELECT l.*, coalesce(l.dispatched_at, getvariable('end_at')) AS until, s.price AS price_at_order
    FROM guarantee_lines l
    ASOF JOIN list_spells s
        ON s.product_id = l.product_id AND s.market = l.market AND s.currency = l.currency
        AND l.purchased_at >= s.from_at
    WHERE s.till IS NULL OR l.purchased_at < s.till
), lowest AS (
    SELECT l.order_id, l.line_id, min({p: s.price, f: s.from_at}) AS low
    FROM at_order l
    JOIN list_spells s
        ON s.product_id = l.product_id AND s.market = l.market AND s.currency = l.currency
        AND s.from_at > l.purchased_at AND s.from_at < l.until AND s.price < l.price_at_order
    GROUP BY ALL
)
SELECT order_id, line_id, product_id, customer_id, currency, market, false AS held,
    price_claim(line_total_minor, low.p, q, k, per_major) AS claim_minor, 1 AS least_minor,
    low.p AS price, low.f AS price_from, [order_id, line_id] AS subject
FROM at_order JOIN lowest USING (order_id, line_id) JOIN currencies USING (currency)
WHERE fits(line_total_minor, q)
