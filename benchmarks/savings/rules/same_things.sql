-- What a product is and how much of it one package holds, as docs/savings/cheaper_same.md reads titles and sizes.
-- Amounts are thousandths of 10 µg, ml, ounces, fluid ounces, pints or pieces.
CREATE TABLE units (unit VARCHAR, measure VARCHAR, amount HUGEINT, alone BOOLEAN);
INSERT INTO units SELECT unnest(spellings), measure, amount, alone FROM (VALUES
    (['g', 'gm', 'gram', 'grams'], 'weight', 100000, false),
    (['kg', 'kilogram', 'kilograms'], 'weight', 100000000, false),
    (['lb', 'lbs', 'pound', 'pounds'], 'weight', 45359237, false),
    (['ml', 'milliliter', 'milliliters', 'millilitre', 'millilitres'], 'volume', 1, false),
    (['cl'], 'volume', 10, false),
    (['l', 'lt', 'ltr', 'liter', 'liters', 'litre', 'litres'], 'volume', 1000, false),
    (['oz', 'ounce', 'ounces'], 'ounces', 1, false),
    (['fl oz', 'fl. oz', 'fluid ounce', 'fluid ounces'], 'fluid ounces', 1, false),
    (['pt', 'pint', 'pints'], 'pints', 1, true),
    (['qt', 'quart', 'quarts'], 'pints', 2, true),
    (['ga', 'gal', 'gallon', 'gallons'], 'pints', 8, true),
    (['ct', 'count', 'pc', 'pcs', 'piece', 'pieces'], 'count', 1, false),
    (['dz', 'dozen'], 'count', 12, false)
) AS listed (spellings, measure, amount, alone);

-- Patterns are variables, so that each is compiled once; the longest spelling first, to take all of a word.
SET VARIABLE any_unit = (
    SELECT string_agg(replace(unit, '.', '\.'), '|' ORDER BY length(unit) DESC, unit) FROM units
);
SET VARIABLE a_number = '(?:\d{0,6}\.\d{1,3}|\d{1,6}(?:,\d{1,2})?)';
SET VARIABLE whole_size = '^(?:(\d{1,3}) ?[x×] ?)?(?:(1/[24])|(' || getvariable('a_number') || '))? ?('
    || getvariable('any_unit') || ')$';
SET VARIABLE size_inside = '(?i)(^|[^\p{L}\d.,/])(?:\d{1,3} ?[x×] ?)?(?:1/[24]|' || getvariable('a_number')
    || ') ?(?:' || getvariable('any_unit') || ')(?:[^\p{L}\d]|$)';

CREATE MACRO plain(words) AS
    ' ' || trim(regexp_replace(lower(words), '[^\p{L}\p{M}\p{N}%]+', ' ', 'g')) || ' ';
CREATE MACRO without_sizes(title) AS regexp_replace(title, getvariable('size_inside'), '\1 ', 'g');

CREATE TABLE things AS
WITH read AS (
    SELECT *, regexp_extract(
            regexp_replace(trim(regexp_replace(lower(package_size), '\s+', ' ', 'g'), ' '), '\.$', ''),
            getvariable('whole_size'), ['times', 'part', 'number', 'unit']) AS size,
        -- Twice, for what lies between two sizes belongs to both.
        replace(plain(without_sizes(without_sizes(title))), coalesce(nullif(plain(brand), '  '), chr(10)), ' ')
            AS named
    FROM products
), sized AS (
    SELECT r.*, u.measure, u.amount, trim(regexp_replace(named, ' +', ' ', 'g')) AS words,
        CASE WHEN size.part = '1/2' THEN 500 WHEN size.part = '1/4' THEN 250
            WHEN size.number <> '' THEN (replace(size.number, ',', '.')::DECIMAL(18, 3) * 1000)::HUGEINT
            WHEN u.alone AND size.times = '' THEN 1000 END AS thousandths,
        CASE WHEN size.times = '' THEN 1 ELSE size.times::HUGEINT END AS times
    FROM read r JOIN units u ON u.unit = r.size.unit
)
SELECT product_id, department, category, words, available, available_from, measure,
    times * thousandths * amount AS size
FROM sized
WHERE words <> '' AND times * thousandths * amount > 0 AND times * thousandths * amount < 4398046511104;
