-- All assignments of the trackers with their runs' dates and policies. A run that ends with the year 9999 would do so
-- at a moment that Python doesn't know; the last one that it knows stands in. Nothing before the retention
-- cutoff is recomputed: its reports may be gone.
SELECT
    assignment.id AS assignment_id,
    assignment.tracker_id,
    assignment.run_id,
    brand.client_id,
    greatest(lower(assignment.period), run.start_date::timestamp AT TIME ZONE 'UTC', cutoff.reports_kept_from) AS since,
    least(
        coalesce(upper(assignment.period), 'infinity'),
        (run.end_date + 1)::timestamp AT TIME ZONE 'UTC',
        '9999-12-31 23:59:59.999999+00'
    ) AS until,
    upper(assignment.period) AS ends_at,
    run.max_accuracy_m,
    run.exit_accuracy_cap_m,
    run.max_speed_kmh,
    run.entry_accuracy_factor,
    run.confirmations,
    cutoff.reports_kept_from AS kept_from,
    greatest(lower(assignment.period), run.start_date::timestamp AT TIME ZONE 'UTC') AS began_at,
    assignment.activated_at
FROM trackers_assignment AS assignment
JOIN clients_productionrun AS run ON run.id = assignment.run_id
JOIN clients_brand AS brand ON brand.id = run.brand_id
LEFT JOIN trackers_retentioncutoff AS cutoff ON true
WHERE assignment.tracker_id = ANY(%(tracker_ids)b::bigint[])
ORDER BY assignment.tracker_id, lower(assignment.period)
