-- Looked at when it could not be had; it can now, and costs no more.
SELECT product_id, customer_id, currency, market, false AS held, price_now AS price, price_now_from AS price_from,
    half_up((price_then - price_now) * per_major, 1000000) AS claim_minor, [customer_id, product_id] AS subject
FROM looks JOIN currencies USING (currency)
WHERE NOT had_then AND had_now AND price_now <= price_then
