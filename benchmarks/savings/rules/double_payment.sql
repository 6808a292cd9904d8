-- The same order placed again within minutes, and the last fee of a second subscription to the same offer.
WITH orders AS (
    SELECT order_id, min(customer_id) AS customer_id, min(market) AS market, min(currency) AS currency,
        min(purchased_at) AS moment, sum(line_total_minor)::HUGEINT AS paid,
        list_sort(list({p: product_id, q: q, t: line_total_minor}) FILTER (kind = 'product')) AS content,
        bool_or(kind = 'product' AND NOT dispatched_at_known) AS at_till
    FROM charges GROUP BY order_id
    HAVING count(DISTINCT customer_id) = 1 AND count(DISTINCT market) = 1 AND count(DISTINCT currency) = 1
        AND bool_and(k = q) AND bool_or(kind = 'product')
), again AS (
    SELECT b.order_id, b.customer_id, b.currency, any_value(b.paid) AS paid, any_value(b.at_till) AS at_till
    FROM orders b JOIN orders a USING (customer_id, market, currency, content)
    WHERE b.moment >= days_before(getvariable('double_payment_days'))
        AND a.moment >= b.moment - to_minutes(getvariable('double_payment_minutes'))
        AND (a.moment < b.moment OR (a.moment = b.moment AND a.order_id < b.order_id))
    GROUP BY ALL
), due AS (
    -- The number of the last fee that fell due before both the end and the expiry, and when it did.
    SELECT *, (epoch_us(least(expires_at, getvariable('end_at'))) - epoch_us(starts_at) - 1)
        // (fee_days * 86400000000) AS number
    FROM rights
    WHERE kind = 'subscription' AND fee_minor > 0 AND fee_days IS NOT NULL AND fee_currency IS NOT NULL
        AND starts_at < getvariable('end_at') AND (expires_at IS NULL OR starts_at < expires_at)
), last_fees AS (
    SELECT *, starts_at + to_days((number * fee_days)::INTEGER) AS due_at FROM due
)
SELECT order_id, NULL::VARCHAR AS entitlement_id, customer_id, currency, at_till AS held, paid AS claim_minor,
    [order_id] AS subject
FROM again
UNION ALL
SELECT NULL, b.entitlement_id, b.customer_id, b.fee_currency, false, b.fee_minor,
    [b.entitlement_id, b.number::VARCHAR]
FROM last_fees b
WHERE b.due_at >= days_before(getvariable('double_payment_days'))
    AND EXISTS (
        FROM last_fees a
        WHERE a.customer_id = b.customer_id AND a.offer_id = b.offer_id
            AND (a.starts_at, a.entitlement_id) < (b.starts_at, b.entitlement_id)
            AND (a.expires_at IS NULL OR b.due_at < a.expires_at)
    )
