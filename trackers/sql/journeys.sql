-- How far the trackers of assignments have come: when they were first seen at all, where and when they left storage
-- for the last time before the first delivery (if they were delivered), when they were first delivered, and since when
-- they have been away from there again.
SELECT
    chosen.id AS assignment_id,
    lower(assignment.period) AS assigned_at,
    upper(assignment.period) AS released_at,
    min(period.started_at) AS first_seen_at,
    (array_agg(period.location_id ORDER BY period.ended_at DESC) FILTER (WHERE period.stored_before))[1] AS origin_id,
    max(period.ended_at) FILTER (WHERE period.stored_before) AS departed_at,
    min(period.started_at) FILTER (WHERE period.status = 'DELIVERED') AS delivered_at,
    CASE
        WHEN (array_agg(period.status ORDER BY period.started_at DESC, period.fingerprint DESC))[1] <> 'DELIVERED'
        THEN max(period.ended_at) FILTER (WHERE period.status = 'DELIVERED')
    END AS away_since,
    coalesce(bool_or(period.status = 'IN_STORAGE' AND period.ended_at IS NULL), false) AS stored
FROM ({assignments_in_order}) AS chosen (id, tracker_id)
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
) AS period ON true
GROUP BY chosen.id, assignment.period
