-- Deletes the trackers' DWELL and TRANSIT events from before a moment, the retracted ones too. Each of the two
-- conditions on retracted_at is that of a partial index by tracker and time.
DELETE FROM trackers_geofenceevent
WHERE id IN (
    SELECT event.id
    FROM unnest(%(tracker_ids)b::bigint[]) AS chosen (tracker_id)
    CROSS JOIN LATERAL (
        SELECT id
        FROM trackers_geofenceevent
        WHERE tracker_id = chosen.tracker_id
            AND occurred_at < %(until)s::timestamptz
            AND type IN ('DWELL', 'TRANSIT')
            AND retracted_at IS NULL
        UNION ALL
        SELECT id
        FROM trackers_geofenceevent
        WHERE tracker_id = chosen.tracker_id
            AND occurred_at < %(until)s::timestamptz
            AND type IN ('DWELL', 'TRANSIT')
            AND retracted_at IS NOT NULL
    ) AS event
)
