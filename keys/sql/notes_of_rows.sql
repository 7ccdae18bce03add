-- What is said of rows of an import with one of these outcomes, in their `problems` or `warnings` as `said_in` tells: for
-- each reason of how many rows, of which first, and in what words; the most frequent first.
SELECT
    note->>'code' AS code,
    note->>'column' AS column,
    count(*) AS rows,
    min(row.number) AS first,
    (array_agg(note->>'message' ORDER BY row.number))[1] AS example
FROM keys_deviceimportrow AS row
CROSS JOIN LATERAL jsonb_array_elements(
    CASE %(said_in)s::text WHEN 'problems' THEN row.problems ELSE row.warnings END
) AS note
WHERE row.device_import_id = %(import_id)s AND row.outcome = ANY(%(outcomes)b::text[])
GROUP BY 1, 2
ORDER BY rows DESC, 1, 2
