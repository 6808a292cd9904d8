-- The lines that kinds about a line's price could claim, and what they come to.
CREATE VIEW guarantee_lines AS
SELECT * FROM lines
WHERE dispatched_at_known AND k > 0
    AND (dispatched_at IS NULL OR dispatched_at >= days_before(getvariable('guarantee_days')));

CREATE VIEW drop_lines AS
SELECT * FROM lines
WHERE k > 0 AND purchased_at >= days_before(getvariable('protection_days'))
    AND NOT (dispatched_at_known AND dispatched_at IS NULL);

-- Paid x quantity above this does not fit into 128 bits any more.
CREATE MACRO fits(paid, q) AS paid::HUGEINT * q <= 25000000000000000000::HUGEINT * 1000000;

-- (paid - price x quantity) x kept / quantity, in minor units; prices in millionths of a major unit.
CREATE MACRO price_claim(paid, price, q, k, per_major) AS
    half_up(greatest(paid::HUGEINT * 1000000000000 - price * per_major * q, 0) * k, q * 1000000000000);
