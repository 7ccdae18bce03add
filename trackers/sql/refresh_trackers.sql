-- Sets the trackers' latest assignment and how it stands: last period and last report within it, without outliers and
-- those that are held; of several at one moment the first in event order, so that position and battery are of one report. A tracker that never
-- had an assignment shows its last report; so does one whose reports were all dropped before the retention cutoff.
-- The nearest place status periods until that of a new position is found, and never outlives the assignment.
-- Rows that are right already are left alone. The lifecycle's state changes with them where one is given.
-- Nothing verifies a device in stock: with a new assignment its time to be verified begins, however long it lay there.
UPDATE trackers_tracker AS tracker
SET state = coalesce(%(state)s::varchar, tracker.state),
    latest_assignment_id = truth.assignment_id,
    status = truth.status,
    location_id = truth.location_id,
    status_since = truth.started_at,
    last_seen_at = truth.seen_at,
    last_received_at = truth.received_at,
    last_position = truth.position,
    last_accuracy_m = truth.accuracy_m,
    battery = truth.battery,
    verified_at = CASE
        WHEN tracker.latest_assignment_id IS DISTINCT FROM truth.assignment_id
            THEN greatest(tracker.verified_at, %(now)s::timestamptz)
        ELSE tracker.verified_at
    END,
    near_id = CASE WHEN truth.keeps_place THEN tracker.near_id END,
    near_m = CASE WHEN truth.keeps_place THEN tracker.near_m END,
    near_is_due = truth.position IS NOT NULL
        AND (tracker.near_is_due OR tracker.last_position::bytea IS DISTINCT FROM truth.position::bytea),
    updated_at = %(now)s::timestamptz
FROM (
    SELECT
        chosen.tracker_id,
        latest.id AS assignment_id,
        coalesce(period.status, 'CREATED') AS status,
        period.location_id,
        period.started_at,
        CASE WHEN dropped.away THEN shown.last_seen_at ELSE report.seen_at END AS seen_at,
        CASE WHEN dropped.away THEN shown.last_received_at ELSE report.received_at END AS received_at,
        CASE WHEN dropped.away THEN shown.last_position ELSE report.position END AS position,
        CASE WHEN dropped.away THEN shown.last_accuracy_m ELSE report.accuracy_m END AS accuracy_m,
        CASE WHEN dropped.away THEN shown.battery ELSE coalesce(report.battery, '') END AS battery,
        shown.latest_assignment_id IS NOT DISTINCT FROM latest.id
            AND (dropped.away OR report.position IS NOT NULL) AS keeps_place
    FROM unnest(%(tracker_ids)b::bigint[]) AS chosen (tracker_id)
    LEFT JOIN LATERAL (
        SELECT id, period
        FROM trackers_assignment
        WHERE tracker_id = chosen.tracker_id
        ORDER BY lower(period) DESC
        LIMIT 1
    ) AS latest ON true
    LEFT JOIN LATERAL (
        SELECT status, location_id, started_at
        FROM trackers_statuschange
        WHERE tracker_id = chosen.tracker_id AND assignment_id = latest.id AND retracted_at IS NULL
        ORDER BY started_at DESC, fingerprint DESC
        LIMIT 1
    ) AS period ON true
    LEFT JOIN LATERAL (
        SELECT seen_at, received_at, position, accuracy_m, battery
        FROM trackers_locationreport
        WHERE tracker_id = chosen.tracker_id
            AND seen_at >= coalesce(lower(latest.period), '-infinity')
            AND seen_at < coalesce(upper(latest.period), 'infinity')
            AND verdict NOT IN ('SUPERSEDED', 'OUTLIER', 'HELD')
        ORDER BY seen_at DESC, verdict <> '', accuracy_m, fingerprint
        LIMIT 1
    ) AS report ON true
    JOIN trackers_tracker AS shown ON shown.id = chosen.tracker_id
    CROSS JOIN LATERAL (
        SELECT coalesce(report.seen_at < shown.last_seen_at, true)
            AND shown.latest_assignment_id IS NOT DISTINCT FROM latest.id
            AND coalesce(shown.last_seen_at < (SELECT reports_kept_from FROM trackers_retentioncutoff), false)
            AS away
    ) AS dropped
) AS truth
WHERE tracker.id = truth.tracker_id
    AND (
        tracker.state, tracker.latest_assignment_id, tracker.status, tracker.location_id, tracker.status_since,
        tracker.last_seen_at, tracker.last_received_at, tracker.last_position::bytea, tracker.last_accuracy_m,
        tracker.battery
    ) IS DISTINCT FROM (
        coalesce(%(state)s::varchar, tracker.state), truth.assignment_id, truth.status, truth.location_id, truth.started_at,
        truth.seen_at, truth.received_at, truth.position::bytea, truth.accuracy_m,
        truth.battery
    )
RETURNING tracker.id
