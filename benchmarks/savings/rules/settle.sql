-- For all: purses, caps, prices that look like a mistake, and kinds that claim more of their lines than can be luck.
CREATE TABLE opportunities AS
WITH pursed AS (
    -- A claim that names no line we know has no purse to take from.
    SELECT l.*, coalesce(t.minor, l.left_minor) AS minor
    FROM left_over l LEFT JOIN taken t USING (opportunity_id)
), capped AS (
    SELECT p.* REPLACE (CASE WHEN p.owed = 'policy' AND c.cap_claim_minor IS NOT NULL
            THEN least(p.minor, c.cap_claim_minor - p.promised_minor) ELSE p.minor END AS minor),
        p.owed = 'policy' AND c.cap_claim_minor IS NULL AS uncapped
    FROM pursed p LEFT JOIN currencies c USING (currency)
), worth AS (
    FROM capped
    WHERE claim_minor IS NULL OR minor >= coalesce(least_minor, 1)
        OR (kind = 'back_in_stock_cheaper' AND claim_minor = 0)
), people AS (
    SELECT customer_id, any_value({p: person_id IS NOT NULL, id: coalesce(person_id, customer_id)}) AS person
    FROM customers GROUP BY ALL
), of_person AS (
    SELECT w.*, coalesce(p.person, {p: false, id: w.customer_id}) AS person,
        w.opportunity_id IN (SELECT opportunity_id FROM promised) AS is_old
    FROM worth w LEFT JOIN people p USING (customer_id)
), spent AS (
    SELECT coalesce(p.person, {p: false, id: m.customer_id}) AS person, count(DISTINCT m.opportunity_id) AS claims
    FROM promised m LEFT JOIN people p USING (customer_id)
    WHERE m.owed = 'policy' AND m.first_at >= days_before(365)
    GROUP BY ALL
), numbered AS (
    SELECT o.*, coalesce(s.claims, 0) + CASE WHEN o.owed = 'policy' AND NOT o.is_old THEN row_number() OVER (
        PARTITION BY o.person, o.owed = 'policy' AND NOT o.is_old
        ORDER BY o.place, o.minor DESC, o.opportunity_id) END AS number
    FROM of_person o LEFT JOIN spent s USING (person)
), allowed AS (
    FROM numbered WHERE number IS NULL OR number <= getvariable('cap_claims')
), histories AS (
    -- The lower median of the list prices that began in the year before a price.
    SELECT product_id, market, currency, price_from, prices[(n + 1) // 2] AS median
    FROM (
        SELECT a.product_id, a.market, a.currency, a.price_from, list_sort(list(s.price)) AS prices,
            count(*)::BIGINT AS n
        FROM (SELECT DISTINCT coalesce(priced_id, product_id) AS product_id, market, currency, price_from FROM allowed WHERE price IS NOT NULL) a
        JOIN list_spells s USING (product_id, market, currency)
        WHERE s.from_at < a.price_from AND s.from_at >= a.price_from - to_days(365)
        GROUP BY ALL
    )
), shares AS (
    SELECT 'price_guarantee' AS kind, (SELECT count(*) FROM guarantee_lines) AS could
    UNION ALL SELECT 'price_drop', (SELECT count(*) FROM drop_lines)
), overclaimed AS (
    SELECT kind FROM found JOIN shares USING (kind)
    WHERE claim_minor >= coalesce(least_minor, 1)
    GROUP BY kind, could
    HAVING count(*)::HUGEINT * getvariable('hold_den') > could * getvariable('hold_num')
)
SELECT a.opportunity_id, a.kind, a.order_id, a.line_id, a.entitlement_id, a.incident_id, a.product_id, a.customer_id,
    a.minor::BIGINT AS amount_minor, a.currency, a.expires_at,
    a.held OR a.elsewhere OR a.uncapped OR a.kind IN (FROM overclaimed)
        OR coalesce(a.price * getvariable('outlier_den') < h.median * getvariable('outlier_num'), false)
        AS held
FROM allowed a LEFT JOIN histories h
    ON h.product_id = coalesce(a.priced_id, a.product_id) AND h.market = a.market AND h.currency = a.currency
    AND h.price_from = a.price_from;
