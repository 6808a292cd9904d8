-- What a product is and how much of it one package holds, where the words about it say so plainly.
-- A package size is one number and one unit; sizes in several parts are not read. Amounts are whole: weights in
-- nanograms, volumes in tenths of a picolitre, counts in pieces.
CREATE TABLE units (unit VARCHAR, measure VARCHAR, amount HUGEINT);
INSERT INTO units VALUES
    ('mg', 'weight', 1000000), ('g', 'weight', 1000000000), ('kg', 'weight', 1000000000000),
    ('oz', 'weight', 28349523125), ('lb', 'weight', 453592370000), ('lbs', 'weight', 453592370000),
    ('ml', 'volume', 10000000000), ('cl', 'volume', 100000000000), ('l', 'volume', 10000000000000),
    ('fl oz', 'volume', 295735295625), ('pt', 'volume', 4731764730000), ('qt', 'volume', 9463529460000),
    ('ga', 'volume', 37854117840000), ('gal', 'volume', 37854117840000),
    ('ct', 'count', 1), ('pk', 'count', 1), ('pc', 'count', 1), ('pcs', 'count', 1), ('dz', 'count', 12),
    ('doz', 'count', 12);

CREATE MACRO size_pattern() AS '(\d+/\d+|\d*\.\d+|\d+)\s*(fl oz|mg|kg|g|oz|lbs|lb|ml|cl|l|pt|qt|gal|ga|ct|pk|pcs|pc|dz|doz)';

CREATE TABLE things AS
WITH read AS (
    SELECT *, regexp_extract(lower(package_size), '^\s*' || size_pattern() || '\s*$', ['number', 'unit']) AS size,
        trim(regexp_replace(regexp_replace(
            CASE WHEN brand IS NULL THEN lower(title) ELSE replace(lower(title), lower(brand), ' ') END,
            '\b' || size_pattern() || '\b', ' ', 'g'), '\s+', ' ', 'g')) AS words
    FROM products
), numbers AS (
    SELECT *, CASE WHEN size.number LIKE '%/%' THEN split_part(size.number, '/', 1)::DECIMAL(18, 6)
            ELSE size.number::DECIMAL(18, 6) END AS n,
        CASE WHEN size.number LIKE '%/%' THEN split_part(size.number, '/', 2)::HUGEINT ELSE 1 END AS d
    FROM read WHERE size.unit <> '' AND words <> ''
)
SELECT product_id, department, category, words, available, available_from, measure,
    micros(n) * amount // greatest(d, 1) // 1000000 AS size
FROM numbers JOIN units ON units.unit = numbers.size.unit
WHERE micros(n) * amount // greatest(d, 1) >= 1000000 AND d > 0;
