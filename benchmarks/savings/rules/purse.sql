-- What the claims of one kind take: from their own line first, then those for an order from each of its lines.
CREATE OR REPLACE TEMP TABLE line_takes AS
SELECT l.opportunity_id, l.order_id, l.line_id, l.currency,
    least(l.left_minor, greatest(p.minor - (sum(l.left_minor) OVER (
        PARTITION BY l.order_id, l.line_id, l.currency ORDER BY l.left_minor DESC, l.opportunity_id)
        - l.left_minor), 0))::HUGEINT AS minor
FROM left_over l JOIN purse p USING (order_id, line_id, currency)
WHERE l.kind = getvariable('kind') AND l.line_id IS NOT NULL;

UPDATE purse SET minor = purse.minor - t.minor
FROM (SELECT order_id, line_id, currency, sum(minor) AS minor FROM line_takes GROUP BY ALL) t
WHERE t.order_id = purse.order_id AND t.line_id = purse.line_id AND t.currency = purse.currency;

CREATE OR REPLACE TEMP TABLE order_takes AS
WITH whole AS (
    SELECT order_id, currency, sum(minor) AS minor FROM purse GROUP BY ALL
)
SELECT l.opportunity_id, l.order_id, l.currency,
    least(l.left_minor, greatest(w.minor - (sum(l.left_minor) OVER (
        PARTITION BY l.order_id, l.currency ORDER BY l.left_minor DESC, l.opportunity_id)
        - l.left_minor), 0))::HUGEINT AS minor
FROM left_over l JOIN whole w USING (order_id, currency)
WHERE l.kind = getvariable('kind') AND l.order_id IS NOT NULL AND l.line_id IS NULL;

UPDATE purse SET minor = purse.minor - least(purse.minor, greatest(t.minor - t.until, 0))
FROM (
    SELECT p.order_id, p.line_id, p.currency, o.minor,
        sum(p.minor) OVER (PARTITION BY p.order_id, p.currency ORDER BY p.line_id) - p.minor AS until
    FROM purse p
    JOIN (SELECT order_id, currency, sum(minor) AS minor FROM order_takes GROUP BY ALL) o
        USING (order_id, currency)
) t
WHERE t.order_id = purse.order_id AND t.line_id = purse.line_id AND t.currency = purse.currency;

INSERT INTO taken
SELECT opportunity_id, minor FROM line_takes UNION ALL SELECT opportunity_id, minor FROM order_takes;
