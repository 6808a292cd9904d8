-- More than 24 hours after the promise: a share of what was kept for each started 24 hours.
WITH late AS (
    SELECT *, epoch_us(coalesce(delivered_at, getvariable('end_at'))) - epoch_us(promised_at) AS late
    FROM lines
    WHERE delivered_at_known AND k > 0 AND promised_at >= days_before(getvariable('late_days'))
        AND promised_at < getvariable('end_at')
), shares AS (
    -- The share as a fraction: started days x share, at most `late_most`, over the product of denominators.
    SELECT *, getvariable('late_den')::HUGEINT * getvariable('most_den') AS d,
        least(ceil_div(late, 86400000000)::HUGEINT * getvariable('late_num') * getvariable('most_den'),
            getvariable('most_num')::HUGEINT * getvariable('late_den')) AS n
    FROM late WHERE late > 86400000000
)
SELECT order_id, line_id, product_id, customer_id, currency, false AS held,
    half_up(line_total_minor * k * n, q * d) AS claim_minor, [order_id, line_id] AS subject
FROM shares
