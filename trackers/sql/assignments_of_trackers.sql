-- All assignments of the trackers with their runs' dates and policies. A run that ends with the year 9999 would do so
-- at a moment that Python doesn't know; the last one that it knows stands in. Nothing before the retention
-- horizon is played: its reports may be gone.
SELECT
    assignment.id,
    assignment.tracker_id,
    assignment.run_id,
    greatest(lower(assignment.period), run.start_date::timestamp AT TIME ZONE 'UTC', horizon.reports_kept_from),
    least(
        coalesce(upper(assignment.period), 'infinity'),
        (run.end_date + 1)::timestamp AT TIME ZONE 'UTC',
        '9999-12-31 23:59:59.999999+00'
    ),
    upper(assignment.period),
    run.max_accuracy_m,
    run.exit_accuracy_cap_m,
    run.confirmations,
    horizon.reports_kept_from,
    greatest(lower(assignment.period), run.start_date::timestamp AT TIME ZONE 'UTC'),
    assignment.activated_at
FROM trackers_assignment AS assignment
JOIN clients_productionrun AS run ON run.id = assignment.run_id
LEFT JOIN trackers_retentioncutoff AS horizon ON true
WHERE assignment.tracker_id = ANY(%(tracker_ids)b::bigint[])
ORDER BY assignment.tracker_id, lower(assignment.period)
