-- What was found, less what nights before promised for the same; the guarantee and the drop are one money.
CREATE TABLE before AS
SELECT f.*,
    coalesce((SELECT sum(p.promised_minor) FROM promised p
        WHERE p.opportunity_id = f.opportunity_id AND p.currency = f.currency), 0)::HUGEINT AS promised_minor,
    EXISTS (FROM promised p
        WHERE p.opportunity_id = f.opportunity_id AND p.currency IS DISTINCT FROM f.currency) AS elsewhere,
    f.kind IN ('price_guarantee', 'price_drop') AS is_price,
    list_position(getvariable('kinds'), f.kind) AS place
FROM found f;

CREATE TABLE left_over AS
WITH price_promised AS (
    SELECT b.opportunity_id, sum(p.promised_minor)::HUGEINT AS minor
    FROM before b JOIN promised p
        ON p.kind IN ('price_guarantee', 'price_drop') AND p.order_id = b.order_id AND p.line_id = b.line_id
        AND p.currency = b.currency
    WHERE b.is_price GROUP BY ALL
), less AS (
    SELECT b.*, b.claim_minor - CASE WHEN b.is_price
        THEN greatest(coalesce(p.minor, 0), b.promised_minor) ELSE b.promised_minor END AS left_minor
    FROM before b LEFT JOIN price_promised p USING (opportunity_id)
), together AS (
    SELECT l.*, coalesce(greatest(g.left_minor, 0), 0) AS guaranteed
    FROM less l LEFT JOIN less g
        ON l.kind = 'price_drop' AND g.kind = 'price_guarantee'
        AND g.order_id = l.order_id AND g.line_id = l.line_id AND g.currency = l.currency
)
SELECT * REPLACE (left_minor - guaranteed AS left_minor)
FROM together
WHERE claim_minor IS NULL OR left_minor - guaranteed >= coalesce(least_minor, 1)
    OR (kind = 'back_in_stock_cheaper' AND claim_minor = 0);

-- What each line has left: what was paid for what was kept, less what nights before promised for it; what they
-- promised for a whole order is taken from its lines in their order.
CREATE TABLE purse AS
WITH by_line AS (
    SELECT order_id, line_id, currency, sum(promised_minor)::HUGEINT AS minor FROM promised
    WHERE line_id IS NOT NULL GROUP BY ALL
), own AS (
    SELECT u.order_id, u.line_id, u.currency, greatest(u.purse - coalesce(b.minor, 0), 0) AS minor
    FROM purses u LEFT JOIN by_line b USING (order_id, line_id, currency)
    WHERE u.order_id IN (SELECT order_id FROM left_over)
), by_order AS (
    SELECT order_id, currency, sum(promised_minor)::HUGEINT AS minor FROM promised
    WHERE order_id IS NOT NULL AND line_id IS NULL GROUP BY ALL
), run AS (
    SELECT o.*, coalesce(b.minor, 0) AS taken,
        sum(o.minor) OVER (PARTITION BY o.order_id, o.currency ORDER BY o.line_id) - o.minor AS until
    FROM own o LEFT JOIN by_order b USING (order_id, currency)
)
SELECT order_id, line_id, currency, (minor - least(minor, greatest(taken - until, 0)))::HUGEINT AS minor FROM run;

CREATE TABLE taken (opportunity_id VARCHAR, minor HUGEINT);
