-- Paid for what an entitlement held at that moment would have covered.
WITH bought AS (
    SELECT c.*, half_up(c.line_total_minor::HUGEINT * k, q) AS paid_kept FROM charges c
    WHERE purchased_at >= days_before(getvariable('unclaimed_days')) AND line_total_minor > 0 AND k > 0
        AND offer_id IS NULL AND getvariable('uses_known')
), of_lines AS (
    SELECT entitlement_id, order_id, list(line_id) AS its_lines FROM promised WHERE kind = 'unclaimed_benefit' GROUP BY ALL
), in_hand AS (
    SELECT b.order_id, b.line_id, b.kind, b.product_id, b.customer_id, b.currency, b.purchased_at, b.paid_kept,
        r.entitlement_id, r.uses_allowed - r.uses AS uses_left,
        CASE WHEN r.use_minor IS NOT NULL
                THEN CASE WHEN r.use_currency = b.currency THEN least(r.use_minor, b.paid_kept) END
            WHEN b.kind = 'shipping' AND NOT r.has_value THEN b.paid_kept END AS covered
    FROM bought b JOIN rights r USING (customer_id) LEFT JOIN of_lines l USING (entitlement_id, order_id)
    WHERE (l.its_lines IS NULL OR list_contains(l.its_lines, b.line_id)) AND r.starts_at <= b.purchased_at AND (r.expires_at IS NULL OR b.purchased_at < r.expires_at)
        AND (r.uses_allowed IS NULL OR r.uses < r.uses_allowed)
        AND CASE b.kind
            WHEN 'shipping' THEN r.kind NOT IN ('credit', 'gift_card') AND r.covers = 'shipping'
            WHEN 'product' THEN r.kind IN ('coupon', 'benefit') AND coalesce(r.covers, 'product') = 'product'
                AND (r.offer_id IN (FROM for_any) OR EXISTS (
                    FROM offer_products p WHERE p.offer_id = r.offer_id AND p.product_id = b.product_id))
            ELSE false END
        AND NOT EXISTS (
            FROM entitlement_uses u
            WHERE u.entitlement_id = r.entitlement_id AND (u.order_id = b.order_id OR u.order_id IS NULL))
), per_line AS (
    FROM in_hand WHERE covered > 0
    QUALIFY row_number() OVER (PARTITION BY order_id, line_id ORDER BY covered DESC, entitlement_id) = 1
), per_order AS (
    SELECT p.*, purchased_at AS moment FROM per_line p
    QUALIFY row_number() OVER (PARTITION BY entitlement_id, order_id ORDER BY covered DESC, line_id) = 1
), kept_uses AS (
    SELECT DISTINCT entitlement_id, order_id FROM promised p
    WHERE kind = 'unclaimed_benefit' AND NOT EXISTS (
        FROM entitlement_uses u WHERE u.entitlement_id = p.entitlement_id AND u.order_id = p.order_id)
), elsewhere AS (
    SELECT entitlement_id, count(*) AS gone FROM kept_uses
    ANTI JOIN per_order USING (entitlement_id, order_id) GROUP BY ALL
), numbered AS (
    SELECT o.*, uses_left - coalesce(gone, 0) AS open_uses,
        row_number() OVER (PARTITION BY entitlement_id ORDER BY k.order_id IS NULL, moment, o.order_id) AS place
    FROM per_order o LEFT JOIN kept_uses k USING (entitlement_id, order_id) LEFT JOIN elsewhere USING (entitlement_id)
)
SELECT order_id, line_id, entitlement_id, product_id, customer_id, currency, false AS held,
    covered AS claim_minor, [order_id, line_id] AS subject
FROM numbered WHERE open_uses IS NULL OR place <= open_uses
