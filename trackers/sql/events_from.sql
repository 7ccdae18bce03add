-- The valid events of each assignment that occurred at a position in event order or later, and before `until` if there
-- is one.
SELECT
    position.assignment_id,
    event.id,
    event.type,
    event.location_id,
    event.occurred_at,
    event.fingerprint,
    event.status_change_id
FROM unnest(
    %(assignment_ids)b::bigint[], %(tracker_ids)b::bigint[], %(seen_ats)b::timestamptz[], %(fingerprints)b::bytea[],
    %(ends)b::timestamptz[]
) AS position (assignment_id, tracker_id, seen_at, fingerprint, until)
JOIN trackers_geofenceevent AS event
    ON event.tracker_id = position.tracker_id
    AND event.assignment_id = position.assignment_id
    AND event.retracted_at IS NULL
    AND event.occurred_at >= position.seen_at
    AND event.occurred_at < coalesce(position.until, 'infinity')
    AND (event.occurred_at, event.fingerprint) >= (position.seen_at, position.fingerprint)
