-- What the outbox tells of a change of history: crossings and status changes that were retracted, then those that were
-- added in the order in which they happened, each with the client of its assignment. Rows are read by their ids before
-- anything else, whatever statistics say of the tables.
WITH retracted AS MATERIALIZED (
    SELECT * FROM trackers_geofenceevent WHERE id = ANY(%(retracted_events)b::bigint[])
),
change AS MATERIALIZED (
    SELECT
        1 AS turn,
        CASE event.type WHEN 'EXIT' THEN 'tracker.exit_retracted' ELSE 'tracker.entry_retracted' END AS type,
        event.tracker_id,
        event.assignment_id,
        event.status_change_id,
        NULL AS status,
        event.location_id,
        event.occurred_at,
        event.fingerprint,
        event.retracted_after
    FROM retracted AS event
    WHERE event.type IN ('ENTRY', 'EXIT')
    UNION ALL
    SELECT
        2,
        'tracker.status_change_retracted',
        period.tracker_id,
        period.assignment_id,
        period.id,
        period.status,
        period.location_id,
        period.started_at,
        period.fingerprint,
        period.retracted_after
    FROM trackers_statuschange AS period
    WHERE period.id = ANY(%(retracted_periods)b::bigint[])
    UNION ALL
    SELECT
        3,
        CASE event.type WHEN 'EXIT' THEN 'tracker.exited' ELSE 'tracker.entered' END,
        event.tracker_id,
        event.assignment_id,
        event.status_change_id,
        NULL,
        event.location_id,
        event.occurred_at,
        event.fingerprint,
        ''
    FROM unnest(%(crossing_periods)b::bigint[], %(crossing_types)b::text[]) AS added (status_change_id, type)
    JOIN trackers_geofenceevent AS event
        ON event.status_change_id = added.status_change_id
        AND event.type = added.type
        AND event.retracted_at IS NULL
    UNION ALL
    SELECT
        3,
        'tracker.status_changed',
        period.tracker_id,
        period.assignment_id,
        period.id,
        period.status,
        period.location_id,
        period.started_at,
        period.fingerprint,
        ''
    FROM trackers_statuschange AS period
    WHERE period.id = ANY(%(added_periods)b::bigint[])
)
SELECT
    change.type,
    change.tracker_id,
    brand.client_id,
    change.assignment_id,
    change.status_change_id,
    change.status,
    change.location_id,
    change.occurred_at,
    change.retracted_after
FROM change
JOIN trackers_assignment AS assignment ON assignment.id = change.assignment_id
JOIN clients_productionrun AS run ON run.id = assignment.run_id
JOIN clients_brand AS brand ON brand.id = run.brand_id
ORDER BY
    CASE WHEN change.turn = 3 THEN 1 ELSE 0 END,
    change.tracker_id,
    change.occurred_at,
    change.fingerprint,
    change.type = 'tracker.status_changed',
    change.type = 'tracker.entered',
    change.turn
