-- The last two stays of each assignment that began before a position in event order, latest first.
SELECT position.assignment_id, stay.id, stay.status, stay.location_id, stay.started_at, stay.fingerprint, stay.ended_at
FROM unnest(
    %(assignment_ids)b::bigint[], %(tracker_ids)b::bigint[], %(seen_ats)b::timestamptz[], %(fingerprints)b::bytea[]
) AS position (assignment_id, tracker_id, seen_at, fingerprint)
CROSS JOIN LATERAL (
    SELECT id, status, location_id, started_at, fingerprint, ended_at
    FROM trackers_statuschange
    WHERE tracker_id = position.tracker_id
        AND assignment_id = position.assignment_id
        AND retracted_at IS NULL
        AND started_at <= position.seen_at
        AND (started_at, fingerprint) < (position.seen_at, position.fingerprint)
    ORDER BY started_at DESC, fingerprint DESC
    LIMIT 2
) AS stay
