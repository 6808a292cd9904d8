-- A customer's market and currency, for the kinds that start from a look.
CREATE TABLE homes AS
WITH newest AS (
    SELECT customer_id, {market: market, currency: currency} AS line FROM lines
    QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY purchased_at DESC, market, currency) = 1
), everybody AS (
    SELECT customer_id FROM views UNION SELECT customer_id FROM customers
)
SELECT customer_id, coalesce(c.market, n.line.market, 'default') AS market, n.line.currency AS currency
FROM everybody
LEFT JOIN customers c USING (customer_id)
LEFT JOIN newest n USING (customer_id);

-- The only currency in which a product has prices in a market, where there is only one.
CREATE VIEW only_currencies AS
SELECT product_id, market, min(currency) AS currency FROM spells
GROUP BY ALL HAVING count(DISTINCT currency) = 1;

-- Each customer's newest look at each product of the window, with what could be had, and for how much, then and now.
CREATE TABLE looks AS
WITH newest AS (
    SELECT customer_id, product_id, max(viewed_at) AS look FROM views
    WHERE viewed_at >= days_before(getvariable('watched_days')) GROUP BY ALL
), placed AS (
    SELECT n.*, h.market, coalesce(h.currency, o.currency) AS currency
    FROM newest n
    JOIN homes h USING (customer_id)
    LEFT JOIN only_currencies o ON h.currency IS NULL AND o.product_id = n.product_id AND o.market = h.market
    WHERE NOT EXISTS (
        FROM lines l
        WHERE l.customer_id = n.customer_id AND l.product_id = n.product_id AND l.purchased_at >= n.look
    )
), moments AS (
    SELECT *, look AS moment, true AS is_then FROM placed
    UNION ALL SELECT *, getvariable('end_at') - to_microseconds(1), false FROM placed
), had AS (
    SELECT m.*,
        coalesce(a.available, p.available) AND (p.available_from IS NULL OR p.available_from <= m.moment) AS had
    FROM moments m
    JOIN products p USING (product_id)
    ASOF LEFT JOIN availability a
        ON a.product_id = m.product_id AND a.market = m.market AND m.moment >= a.effective_at
), priced AS (
    SELECT h.*, s.price, s.from_at, s.till, 0 AS rank FROM had h
    ASOF JOIN list_spells s
        ON s.product_id = h.product_id AND s.market = h.market AND s.currency = h.currency AND h.moment >= s.from_at
    WHERE s.till IS NULL OR h.moment < s.till
    UNION ALL
    SELECT h.*, s.price, s.from_at, s.till, 1 AS rank FROM had h
    ASOF JOIN (FROM spells WHERE kind = 'promotion') s
        ON s.product_id = h.product_id AND s.market = h.market AND s.currency = h.currency AND h.moment >= s.from_at
    WHERE s.till IS NULL OR h.moment < s.till
), lower AS (
    SELECT customer_id, product_id, market, currency, look, is_then, had, min({p: price, r: rank, f: from_at, t: till}) AS best
    FROM priced GROUP BY ALL
)
SELECT t.customer_id, t.product_id, t.market, t.currency, t.look, t.had AS had_then, n.had AS had_now,
    t.best.p AS price_then, n.best.p AS price_now, n.best.f AS price_now_from, n.best.t AS price_now_till
FROM lower t JOIN lower n USING (customer_id, product_id)
WHERE t.is_then AND NOT n.is_then;
