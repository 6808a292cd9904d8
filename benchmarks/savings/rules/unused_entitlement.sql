-- A coupon or benefit in hand for something bought anyway; a credit or gift card that lapses with a balance.
WITH unclaimed AS (
    -- What unclaimed_benefit found tonight or promised before counts as a use.
    SELECT entitlement_id, count(DISTINCT opportunity_id) AS uses FROM (
        SELECT entitlement_id, opportunity_id FROM found WHERE kind = 'unclaimed_benefit'
        UNION ALL SELECT entitlement_id, opportunity_id FROM promised WHERE kind = 'unclaimed_benefit'
    ) GROUP BY ALL
), valid AS (
    SELECT r.*, r.uses + coalesce(u.uses, 0) AS spent FROM rights r LEFT JOIN unclaimed u USING (entitlement_id)
    WHERE valid_at_end(r.expires_at) AND getvariable('uses_known')
), habits AS (
    SELECT customer_id, product_id, count(DISTINCT order_id) AS orders FROM lines
    WHERE purchased_at >= days_before(getvariable('habit_days'))
    GROUP BY ALL HAVING orders >= getvariable('habit_baskets')
), usable AS (
    FROM valid
    WHERE kind IN ('coupon', 'benefit') AND coalesce(covers, 'product') = 'product'
        AND (uses_allowed IS NULL OR spent < uses_allowed)
), fitting AS (
    SELECT u.*, h.product_id, h.orders FROM usable u
    JOIN offer_products p USING (offer_id) JOIN habits h USING (customer_id, product_id)
    UNION ALL
    SELECT u.*, h.product_id, h.orders FROM usable u
    JOIN habits h USING (customer_id) WHERE u.offer_id IN (FROM for_any)
), chosen AS (
    FROM fitting QUALIFY row_number() OVER (PARTITION BY entitlement_id ORDER BY orders DESC, product_id) = 1
), balances AS (
    SELECT v.*, start_minor::HUGEINT * 1000000 - coalesce(used, 0) * per_major AS left_micros
    FROM valid v JOIN currencies c ON c.currency = v.start_currency
    WHERE kind IN ('credit', 'gift_card') AND unvalued = 0
        AND expires_at < getvariable('end_at') + to_days(getvariable('credit_days'))
)
SELECT entitlement_id, product_id, customer_id,
    CASE WHEN use_currency IS NOT NULL THEN use_minor END AS claim_minor,
    CASE WHEN use_minor IS NOT NULL THEN use_currency END AS currency,
    expires_at, false AS held, [entitlement_id] AS subject
FROM chosen
UNION ALL
SELECT entitlement_id, NULL, customer_id, half_up(left_micros, 1000000), start_currency, expires_at, false,
    [entitlement_id]
FROM balances WHERE left_micros > 0
