-- Bought regularly, while another package or brand of the same thing costs less per unit of measure.
WITH regular AS (
    SELECT customer_id, product_id, market, currency, sum(k)::HUGEINT AS k FROM lines
    WHERE k > 0 AND purchased_at >= days_before(getvariable('cheaper_days'))
    GROUP BY ALL HAVING count(DISTINCT order_id) >= getvariable('cheaper_orders')
), now AS (
    SELECT product_id, market, currency, price, from_at, till FROM list_spells
    WHERE valid_at_end(till) AND price < 8796093022208
), on_sale AS (
    SELECT n.*, t.* EXCLUDE (product_id, available, available_from),
        coalesce(a.available, t.available)
            AND (t.available_from IS NULL OR t.available_from < getvariable('end_at')) AS had
    FROM now n JOIN things t USING (product_id)
    LEFT JOIN (
        SELECT product_id, market, max({t: effective_at, a: available}).a AS available FROM availability GROUP BY ALL
    ) a USING (product_id, market)
), pairs AS (
    SELECT r.*, o.product_id AS other, o.price AS other_price, o.from_at AS other_from, s.price AS own_price,
        least(s.till, o.till) AS till,
        s.size // gcd(s.size, o.size) AS own_size, o.size // gcd(s.size, o.size) AS other_size
    FROM regular r
    JOIN on_sale s USING (product_id, market, currency)
    JOIN on_sale o ON o.market = r.market AND o.currency = r.currency AND o.product_id <> r.product_id
        AND o.department = s.department AND o.category = s.category AND o.words = s.words
        AND o.measure = s.measure AND o.had
    WHERE o.price * s.size < s.price * o.size
), best AS (
    SELECT p.* FROM pairs p
    WHERE NOT EXISTS (
        FROM pairs b
        WHERE b.customer_id = p.customer_id AND b.product_id = p.product_id AND b.market = p.market
            AND b.currency = p.currency
            AND (b.other_price * b.own_size * p.other_size < p.other_price * p.own_size * b.other_size
                OR (b.other_price * b.own_size * p.other_size = p.other_price * p.own_size * b.other_size
                    AND b.other < p.other))
    )
)
SELECT customer_id, product_id, currency, market, false AS held,
    other AS priced_id, other_price AS price, other_from AS price_from,
    half_up(k * per_major * (own_price * other_size - other_price * own_size), other_size * 1000000000000)
        AS claim_minor, till AS expires_at, [customer_id, product_id, market, currency] AS subject
FROM best JOIN currencies USING (currency)
