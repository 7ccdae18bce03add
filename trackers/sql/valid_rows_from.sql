-- The valid rows of history of each assignment that began at a position in event order or later, and before the end if
-- there is one: stays or events, as {table}, {columns} and {began}, filled in by code, say. OFFSET 0 keeps the planner to
-- the index by tracker and time.
SELECT position.assignment_id, found.*
FROM unnest(
    %(assignment_ids)b::bigint[], %(tracker_ids)b::bigint[], %(seen_ats)b::timestamptz[], %(fingerprints)b::bytea[],
    %(end_seen_ats)b::timestamptz[], %(end_fingerprints)b::bytea[]
) AS position (assignment_id, tracker_id, seen_at, fingerprint, end_seen_at, end_fingerprint)
CROSS JOIN LATERAL (
    SELECT {columns}
    FROM {table}
    WHERE tracker_id = position.tracker_id
        AND assignment_id = position.assignment_id
        AND retracted_at IS NULL
        AND {began} >= position.seen_at
        AND {began} <= coalesce(position.end_seen_at, 'infinity')
        AND ({began}, fingerprint) >= (position.seen_at, position.fingerprint)
        AND (position.end_seen_at IS NULL
            OR ({began}, fingerprint) < (position.end_seen_at, position.end_fingerprint))
    OFFSET 0
) AS found
