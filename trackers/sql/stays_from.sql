-- The valid stays of each assignment that began at a position in event order or later, and before `until` if there is
-- one.
SELECT position.assignment_id, stay.id, stay.status, stay.location_id, stay.started_at, stay.fingerprint, stay.ended_at
FROM unnest(
    %(assignment_ids)b::bigint[], %(tracker_ids)b::bigint[], %(seen_ats)b::timestamptz[], %(fingerprints)b::bytea[],
    %(ends)b::timestamptz[]
) AS position (assignment_id, tracker_id, seen_at, fingerprint, until)
JOIN trackers_statuschange AS stay
    ON stay.tracker_id = position.tracker_id
    AND stay.assignment_id = position.assignment_id
    AND stay.retracted_at IS NULL
    AND stay.started_at >= position.seen_at
    AND stay.started_at < coalesce(position.until, 'infinity')
    AND (stay.started_at, stay.fingerprint) >= (position.seen_at, position.fingerprint)
