-- What all rules look at, from the tables of the feed contract as they looked at the end of the day.
-- Moments are UTC without a zone; quantities and prices are counted in millionths, so all sums are whole numbers.

CREATE MACRO half_up(n, d) AS (2 * n + d) // (2 * d);
CREATE MACRO ceil_div(n, d) AS (n + d - 1) // d;
CREATE MACRO micros(x) AS (x::DECIMAL(38, 6) * 1000000)::HUGEINT;
CREATE MACRO days_before(n) AS getvariable('end_at') - to_days(n);
-- The day's last moment is the one before `end_at`.
CREATE MACRO valid_at_end(till) AS (till IS NULL OR till >= getvariable('end_at'));

-- Lines of every kind, with the units that were kept: `q` bought and `k` kept, in millionths.
CREATE VIEW charges AS
SELECT p.*, micros(p.quantity) AS q,
    greatest(micros(p.quantity)
        - greatest(coalesce(micros(r.quantity), 0), coalesce(micros(p.returned_quantity), 0)), 0) AS k
FROM purchases p
LEFT JOIN (SELECT order_id, line_id, sum(quantity) AS quantity FROM returns GROUP BY ALL) r
    USING (order_id, line_id);

CREATE VIEW lines AS SELECT * FROM charges WHERE kind = 'product';

-- What was paid for what was kept of each line, rounded once: no more can be found for it.
CREATE VIEW purses AS
SELECT order_id, line_id, currency, half_up(line_total_minor::HUGEINT * k, q) AS purse FROM charges;

-- A price is in force from `from_at` until before `till`; a price of 0 only ends the one before it.
CREATE TABLE spells AS
SELECT * FROM (
    SELECT product_id, market, currency, kind, micros(price) AS price, effective_at AS from_at,
        least(lead(effective_at) OVER (
            PARTITION BY product_id, market, currency, kind ORDER BY effective_at), ends_at) AS till
    FROM prices
) WHERE price > 0;

CREATE VIEW list_spells AS SELECT * EXCLUDE (kind) FROM spells WHERE kind = 'list';

-- The value of one use of an entitlement: the offer's, else the entitlement's shared among its uses.
CREATE TABLE rights AS
SELECT e.entitlement_id, e.customer_id, e.offer_id, e.starts_at, e.expires_at, e.uses_allowed,
    o.kind, o.covers, o.fee_minor, o.fee_days, o.currency AS fee_currency,
    o.value_minor IS NOT NULL OR e.value_minor IS NOT NULL AS has_value,
    coalesce(o.value_minor,
        CASE WHEN e.uses_allowed > 0 THEN half_up(e.value_minor::HUGEINT, e.uses_allowed) END) AS use_minor,
    CASE WHEN o.value_minor IS NOT NULL THEN coalesce(o.currency, e.currency)
        ELSE coalesce(e.currency, o.currency) END AS use_currency,
    coalesce(e.value_minor, o.value_minor::HUGEINT * e.uses_allowed) AS start_minor,
    CASE WHEN e.value_minor IS NOT NULL THEN coalesce(e.currency, o.currency)
        ELSE coalesce(o.currency, e.currency) END AS start_currency,
    coalesce(u.uses, 0) AS uses, u.used, coalesce(u.unvalued, 0) AS unvalued
FROM entitlements e
JOIN offers o USING (offer_id)
LEFT JOIN (
    SELECT entitlement_id, count(*) AS uses, sum(micros(value)) AS used,
        count(*) FILTER (value IS NULL) AS unvalued
    FROM entitlement_uses GROUP BY ALL
) u USING (entitlement_id);

-- Which products an offer is for; an offer without rows is for any product.
CREATE VIEW for_any AS
SELECT offer_id FROM offers WHERE offer_id NOT IN (SELECT offer_id FROM offer_products);
