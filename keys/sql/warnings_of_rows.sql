-- What is worth knowing of rows of an import that are not rejected: for each reason how many rows, the first of them, and
-- what is said there; the most frequent first.
SELECT
    warning->>'code' AS code,
    warning->>'column' AS column,
    count(*) AS rows,
    min(row.number) AS first,
    (array_agg(warning->>'message' ORDER BY row.number))[1] AS example
FROM keys_deviceimportrow AS row
CROSS JOIN LATERAL jsonb_array_elements(row.warnings) AS warning
WHERE row.device_import_id = %(import_id)s AND row.outcome IN ('VALID', 'UNCHANGED')
GROUP BY 1, 2
ORDER BY rows DESC, 1, 2
