-- The usable reports of each assignment from a position in event order on, as points to be matched with the fences of
-- its run. Their reach (rule 3) is their accuracy, up to the run's cap; unknown counts as 0. The positions, and how
-- many reports of each, are filled in by code.
SELECT
    position.assignment_id,
    position.run_id,
    report.seen_at,
    report.fingerprint,
    report.position AS at,
    least(coalesce(report.accuracy_m, 0), position.exit_accuracy_cap_m) AS reach_m
FROM {positions} AS position (
    assignment_id, tracker_id, seen_at, fingerprint, run_id, until, max_accuracy_m, exit_accuracy_cap_m
)
CROSS JOIN LATERAL (
    SELECT seen_at, fingerprint, position, accuracy_m
    FROM trackers_locationreport
    WHERE tracker_id = position.tracker_id
        AND seen_at >= position.seen_at
        AND seen_at < position.until
        AND (seen_at, fingerprint) >= (position.seen_at, position.fingerprint)
        AND (accuracy_m IS NULL OR accuracy_m <= position.max_accuracy_m)
    {first}
) AS report
