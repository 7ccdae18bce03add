-- The valid rows of history of each assignment that began at a moment or later, and before the end if there is one:
-- status periods or events, as {table}, {columns} and {began}, filled in by code, say. OFFSET 0 keeps the planner to the
-- index by tracker and time.
SELECT part.assignment_id, found.*
FROM unnest(
    %(assignment_ids)b::bigint[], %(tracker_ids)b::bigint[], %(moments)b::timestamptz[], %(ends)b::timestamptz[]
) AS part (assignment_id, tracker_id, moment, ends_at)
CROSS JOIN LATERAL (
    SELECT {columns}
    FROM {table}
    WHERE tracker_id = part.tracker_id
        AND assignment_id = part.assignment_id
        AND retracted_at IS NULL
        AND {began} >= part.moment
        AND (part.ends_at IS NULL OR {began} < part.ends_at)
    OFFSET 0
) AS found
