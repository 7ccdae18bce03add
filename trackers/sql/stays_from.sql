-- The valid stays of each assignment that began at a position in event order or later, and before the end if there is
-- one. OFFSET 0 keeps the planner to the index by tracker and time.
SELECT position.assignment_id, stay.*
FROM unnest(
    %(assignment_ids)b::bigint[], %(tracker_ids)b::bigint[], %(seen_ats)b::timestamptz[], %(fingerprints)b::bytea[],
    %(end_seen_ats)b::timestamptz[], %(end_fingerprints)b::bytea[]
) AS position (assignment_id, tracker_id, seen_at, fingerprint, end_seen_at, end_fingerprint)
CROSS JOIN LATERAL (
    SELECT id, status, location_id, started_at, fingerprint, ended_at
    FROM trackers_statuschange
    WHERE tracker_id = position.tracker_id
        AND assignment_id = position.assignment_id
        AND retracted_at IS NULL
        AND started_at >= position.seen_at
        AND started_at <= coalesce(position.end_seen_at, 'infinity')
        AND (started_at, fingerprint) >= (position.seen_at, position.fingerprint)
        AND (position.end_seen_at IS NULL
            OR (started_at, fingerprint) < (position.end_seen_at, position.end_fingerprint))
    OFFSET 0
) AS stay
