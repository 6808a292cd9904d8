-- Fees of the full periods since a subscription was last used, two or more.
WITH held_now AS (
    SELECT *, (fee_days * 86400000000)::BIGINT AS period,
        (epoch_us(getvariable('end_at')) - epoch_us(starts_at)) // (fee_days * 86400000000) AS full_periods
    FROM rights
    WHERE kind = 'subscription' AND fee_minor > 0 AND fee_days IS NOT NULL AND fee_currency IS NOT NULL
        AND valid_at_end(expires_at) AND getvariable('usage_known') AND getvariable('uses_known')
), uses_of AS (
    SELECT h.entitlement_id, u."at" FROM held_now h
    JOIN usage u ON u.customer_id = h.customer_id AND u.offer_id = h.offer_id
    UNION ALL
    SELECT h.entitlement_id, u."at" FROM held_now h
    JOIN usage u USING (customer_id)
    WHERE u.product_id IS NOT NULL AND (h.offer_id IN (FROM for_any) OR EXISTS (
        FROM offer_products p WHERE p.offer_id = h.offer_id AND p.product_id = u.product_id))
    UNION ALL
    SELECT entitlement_id, used_at FROM entitlement_uses
), counted AS (
    SELECT h.*, h.full_periods - coalesce(
        (SELECT greatest(max((epoch_us(u."at") - epoch_us(h.starts_at)) // h.period + 1) FILTER (u."at" >= h.starts_at), 0)
         FROM uses_of u WHERE u.entitlement_id = h.entitlement_id), 0) AS idle
    FROM held_now h
), doubled AS (
    -- Each fee that double_payment found tonight or promised before, once.
    SELECT entitlement_id, currency, sum(minor) AS minor FROM (
        SELECT entitlement_id, opportunity_id, currency, max(minor) AS minor FROM (
            SELECT entitlement_id, opportunity_id, currency, claim_minor AS minor
            FROM found WHERE kind = 'double_payment'
            UNION ALL
            SELECT entitlement_id, opportunity_id, currency, promised_minor
            FROM promised WHERE kind = 'double_payment'
        ) WHERE entitlement_id IS NOT NULL GROUP BY ALL
    ) GROUP BY ALL
)
SELECT c.entitlement_id, c.customer_id, c.fee_currency AS currency, false AS held,
    c.idle * c.fee_minor::HUGEINT - coalesce(d.minor, 0) AS claim_minor, [c.entitlement_id] AS subject
FROM counted c
LEFT JOIN doubled d ON d.entitlement_id = c.entitlement_id AND d.currency = c.fee_currency
WHERE c.idle >= getvariable('idle_periods') AND c.idle * c.fee_minor::HUGEINT > coalesce(d.minor, 0)
