-- Incidents that come more often than before: of a customer, else of a product the customer had trouble with.
WITH recent AS (
    SELECT i.*, l.product_id, i.occurred_at >= days_before(30) AS is_new
    FROM incidents i LEFT JOIN charges l USING (order_id, line_id)
    WHERE i.occurred_at >= days_before(90)
), customers_in_trouble AS (
    SELECT customer_id FROM recent GROUP BY ALL
    HAVING count(*) FILTER (is_new) >= getvariable('trouble_incidents')
        AND count(*) FILTER (is_new) > count(*) FILTER (NOT is_new)
), products_in_trouble AS (
    SELECT product_id FROM recent WHERE product_id IS NOT NULL GROUP BY ALL
    HAVING count(*) FILTER (is_new) >= getvariable('trouble_incidents')
        AND count(*) FILTER (is_new) > count(*) FILTER (NOT is_new)
)
SELECT customer_id, NULL::VARCHAR AS product_id, NULL::HUGEINT AS claim_minor, NULL::VARCHAR AS currency,
    false AS held, [customer_id] AS subject
FROM customers_in_trouble
UNION ALL
SELECT DISTINCT customer_id, product_id, NULL::HUGEINT, NULL::VARCHAR, false, [customer_id, product_id]
FROM recent JOIN products_in_trouble USING (product_id)
WHERE is_new AND customer_id NOT IN (FROM customers_in_trouble)
