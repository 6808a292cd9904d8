-- The purchase features as a data engineer would write them in DuckDB; run.py fills in the addresses.
-- Moments are counted in microseconds, so that no extension (icu) is needed.
CREATE TEMP VIEW lines AS
SELECT * FROM read_parquet($lines) WHERE kind = 'product' AND purchased_at < $end;

CREATE TEMP TABLE own AS
SELECT customer_id, last(currency ORDER BY newest, currency) AS own_currency
FROM (SELECT customer_id, currency, max(purchased_at) AS newest FROM lines GROUP BY ALL)
GROUP BY customer_id;

CREATE TEMP TABLE pairs AS
WITH per_order AS (
    SELECT customer_id, product_id, order_id, any_value(own_currency) AS currency,
        count(*) AS lines,
        sum(quantity) AS quantity,
        sum(quantity) FILTER (currency = own_currency) AS own_quantity,
        coalesce(sum(line_total_minor) FILTER (currency = own_currency), 0)::BIGINT AS spend_minor,
        sum(round(power(0.5, (epoch_us($end) - epoch_us(purchased_at)) // 86400000000 / $half_life::DOUBLE)
            * 4294967296)::BIGINT) AS weight,
        min(purchased_at) AS first_at,
        max(purchased_at) AS last_at
    FROM lines JOIN own USING (customer_id)
    GROUP BY customer_id, product_id, order_id
), summed AS (
    SELECT customer_id, product_id, any_value(currency) AS currency,
        sum(lines)::BIGINT AS lines,
        count(*) AS baskets,
        count(DISTINCT epoch_us(first_at) // 86400000000) AS days,
        sum(quantity)::DOUBLE AS quantity,
        sum(own_quantity)::DOUBLE AS own_quantity,
        sum(spend_minor)::BIGINT AS spend_minor,
        sum(weight)::DOUBLE / 4294967296 AS weight,
        min(first_at) AS first_at,
        max(last_at) AS last_at
    FROM per_order GROUP BY customer_id, product_id
)
SELECT customer_id, product_id, lines, baskets, days, quantity, currency, spend_minor,
    CASE WHEN own_quantity > 0 THEN spend_minor / own_quantity END AS paid_minor,
    first_at, last_at, (epoch_us($end) - epoch_us(last_at)) / 86400e6 AS recency_days, weight,
    CASE WHEN days > 1 THEN (epoch_us(last_at) - epoch_us(first_at)) / 86400e6 / (days - 1) END AS gap_days,
    CASE WHEN days > 1 THEN make_timestamp(epoch_us(last_at)
        + round((epoch_us(last_at) - epoch_us(first_at)) / (days - 1))::BIGINT) END AS due_at
FROM summed ORDER BY customer_id, product_id;
COPY pairs TO $pairs (FORMAT parquet, COMPRESSION zstd);

COPY (
    WITH orders AS (
        SELECT customer_id, order_id, min(purchased_at) AS moment, min(market) AS market
        FROM lines GROUP BY customer_id, order_id
    ), visits AS (
        SELECT customer_id, count(*) AS baskets, count(DISTINCT epoch_us(moment) // 86400000000) AS days,
            last(market ORDER BY moment, order_id) AS market
        FROM orders GROUP BY customer_id
    ), totals AS (
        SELECT customer_id, sum(lines)::BIGINT AS lines, sum(spend_minor)::BIGINT AS spend_minor,
            count(*) AS products, sum(quantity) AS quantity, any_value(currency) AS currency,
            min(first_at) AS first_at, max(last_at) AS last_at, sum(weight) AS weight
        FROM pairs GROUP BY customer_id
    )
    SELECT customer_id, market, lines, baskets, days, products, quantity, currency, spend_minor, first_at,
        last_at, (epoch_us($end) - epoch_us(last_at)) / 86400e6 AS recency_days, weight,
        CASE WHEN days > 1 THEN (epoch_us(last_at) - epoch_us(first_at)) / 86400e6 / (days - 1) END AS gap_days,
        CASE WHEN days > 1 THEN make_timestamp(epoch_us(last_at)
        + round((epoch_us(last_at) - epoch_us(first_at)) / (days - 1))::BIGINT) END AS due_at
    FROM totals JOIN visits USING (customer_id) ORDER BY customer_id
) TO $customers (FORMAT parquet, COMPRESSION zstd);

COPY (
    WITH money AS (
        SELECT product_id, last(currency ORDER BY newest, currency) AS currency,
            last(spend_minor ORDER BY newest, currency) AS spend_minor,
            last(own_quantity ORDER BY newest, currency) AS own_quantity
        FROM (
            SELECT product_id, currency, sum(spend_minor)::BIGINT AS spend_minor, max(last_at) AS newest,
                sum(CASE WHEN paid_minor = 0 THEN quantity ELSE spend_minor / paid_minor END) AS own_quantity
            FROM pairs GROUP BY product_id, currency
        ) GROUP BY product_id
    ), totals AS (
        SELECT product_id, count(*) AS customers, count(*) FILTER (days > 1) AS customers_again,
            sum(lines)::BIGINT AS lines, sum(baskets)::BIGINT AS baskets, sum(quantity) AS quantity,
            min(first_at) AS first_at, max(last_at) AS last_at, sum(weight) AS weight,
            sum(epoch_us(last_at) - epoch_us(first_at)) FILTER (days > 1) AS gaps,
            sum(days - 1) FILTER (days > 1) AS steps
        FROM pairs GROUP BY product_id
    )
    SELECT product_id, customers, customers_again, lines, baskets, quantity, currency, spend_minor,
        CASE WHEN own_quantity > 0 THEN spend_minor / own_quantity END AS paid_minor, first_at, last_at,
        (epoch_us($end) - epoch_us(last_at)) / 86400e6 AS recency_days, weight, gaps / steps / 86400e6 AS gap_days
    FROM totals JOIN money USING (product_id) ORDER BY product_id
) TO $products (FORMAT parquet, COMPRESSION zstd);
