-- The reports of each assignment from a moment on, as points to be matched with the fences of its run. Their reach
-- (rule 5) is their accuracy, up to the run's cap; unknown counts as 0. The moments, and how many reports of each, are
-- filled in by code.
SELECT
    part.assignment_id,
    part.run_id,
    report.seen_at,
    report.fingerprint,
    report.verdict,
    report.accuracy_m,
    ST_X(report.position::geometry) AS longitude,
    ST_Y(report.position::geometry) AS latitude,
    report.position AS at,
    least(coalesce(report.accuracy_m, 0), part.exit_accuracy_cap_m) AS reach_m
FROM {moments} AS part (assignment_id, tracker_id, moment, run_id, until, exit_accuracy_cap_m)
CROSS JOIN LATERAL (
    SELECT seen_at, fingerprint, verdict, position, accuracy_m
    FROM trackers_locationreport
    WHERE tracker_id = part.tracker_id AND seen_at >= part.moment AND seen_at < part.until
    {first}
) AS report
