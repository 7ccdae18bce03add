-- How far the trackers of assignments have come: when they were first seen at all, where and when they left storage
-- for the last time before the first delivery (if they were delivered), when they were first delivered, and since when
-- they have been away from there again.
SELECT
    chosen.id,
    lower(assignment.period),
    upper(assignment.period),
    min(stay.started_at),
    (array_agg(stay.location_id ORDER BY stay.ended_at DESC) FILTER (WHERE stay.stored_before))[1],
    max(stay.ended_at) FILTER (WHERE stay.stored_before),
    min(stay.started_at) FILTER (WHERE stay.status = 'DELIVERED'),
    CASE
        WHEN (array_agg(stay.status ORDER BY stay.started_at DESC, stay.fingerprint DESC))[1] <> 'DELIVERED'
        THEN max(stay.ended_at) FILTER (WHERE stay.status = 'DELIVERED')
    END,
    coalesce(bool_or(stay.status = 'IN_STORAGE' AND stay.ended_at IS NULL), false)
FROM ({assignments}) AS chosen (id, tracker_id)
JOIN trackers_assignment AS assignment ON assignment.id = chosen.id
LEFT JOIN LATERAL (
    SELECT
        *,
        status = 'IN_STORAGE'
        AND ended_at IS NOT NULL
        AND ended_at <= coalesce(
            min(started_at) FILTER (WHERE status = 'DELIVERED') OVER (), 'infinity'
        ) AS stored_before
    FROM trackers_statuschange
    WHERE tracker_id = chosen.tracker_id AND assignment_id = chosen.id AND retracted_at IS NULL
) AS stay ON true
GROUP BY chosen.id, assignment.period
