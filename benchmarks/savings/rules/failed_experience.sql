-- Incidents without a remedy, and days on which a product failed to play and never played after.
WITH grave AS (
    SELECT i.*, l.line_total_minor, l.q, l.k, l.currency AS line_currency, l.product_id
    FROM incidents i LEFT JOIN charges l USING (order_id, line_id, customer_id)
    WHERE i.severity >= getvariable('incident_severity') AND i.resolved_at IS NULL
        AND i.occurred_at >= days_before(getvariable('incident_days'))
), incident_claims AS (
    SELECT order_id, line_id, incident_id, product_id, customer_id,
        CASE WHEN amount_minor IS NOT NULL AND currency IS NOT NULL THEN currency ELSE line_currency END AS currency,
        CASE WHEN amount_minor IS NOT NULL AND currency IS NOT NULL THEN amount_minor::HUGEINT
            ELSE line_total_minor::HUGEINT * k END AS n,
        CASE WHEN amount_minor IS NOT NULL AND currency IS NOT NULL THEN 1 ELSE q END AS d,
        CASE WHEN severity <= 3 THEN 2 ELSE 1 END AS parts, [incident_id] AS subject
    FROM grave
), failing AS (
    SELECT customer_id, product_id, date_trunc('day', "at") AS day, max("at") AS failed_at
    FROM usage
    WHERE kind = 'failure' AND product_id IS NOT NULL AND "at" >= days_before(getvariable('incident_days'))
        AND getvariable('incident_severity') <= 4
    GROUP BY ALL HAVING count(*) >= getvariable('failures')
), first_failures AS (
    SELECT f.*, (SELECT min(u."at") FROM usage u WHERE u.kind = 'failure' AND u.customer_id = f.customer_id
        AND u.product_id = f.product_id AND date_trunc('day', u."at") = f.day) AS first_at
    FROM failing f
    WHERE NOT EXISTS (
        FROM usage u
        WHERE u.customer_id = f.customer_id AND u.product_id = f.product_id
            AND u.kind IN ('use', 'play') AND u."at" > f.failed_at
    )
), newest_lines AS (
    SELECT f.customer_id, f.product_id, f.day, {o: l.order_id, l: l.line_id} AS line
    FROM first_failures f JOIN lines l USING (customer_id, product_id)
    WHERE l.k > 0 AND l.purchased_at < f.first_at
    QUALIFY row_number() OVER (
        PARTITION BY f.customer_id, f.product_id, f.day
        ORDER BY l.purchased_at DESC, l.order_id, l.line_id
    ) = 1
), play_claims AS (
    SELECT DISTINCT l.order_id, l.line_id, NULL::VARCHAR AS incident_id, l.product_id, l.customer_id, l.currency,
        l.line_total_minor::HUGEINT * l.k AS n, l.q AS d, 1 AS parts, [l.order_id, l.line_id] AS subject
    FROM newest_lines f JOIN charges l ON l.order_id = f.line.o AND l.line_id = f.line.l
    WHERE NOT EXISTS (
        FROM incidents i
        WHERE i.order_id = l.order_id AND i.line_id = l.line_id AND i.occurred_at >= f.day
    )
)
SELECT order_id, line_id, incident_id, product_id, customer_id, currency, false AS held,
    half_up(n, d * parts) AS claim_minor, subject
FROM (FROM incident_claims UNION ALL FROM play_claims)
WHERE n IS NOT NULL
