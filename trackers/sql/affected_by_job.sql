-- Notes whom a job may affect: trackers that were ever assigned to one of the runs, those that visited the
-- location, and what jobs that this one takes over had left. Only the first need not be certain.
INSERT INTO trackers_recomputationtarget (job_id, tracker_id, certain)
SELECT %(job_id)s, tracker_id, bool_or(certain)
FROM (
    SELECT tracker_id, NOT %(only_near)s AS certain FROM trackers_assignment WHERE run_id = ANY(%(run_ids)b::bigint[])
    UNION ALL
    SELECT tracker_id, true FROM trackers_statuschange
    WHERE location_id = %(location_id)s::bigint AND retracted_at IS NULL
    UNION ALL
    SELECT tracker_id, true FROM trackers_recomputationtarget WHERE job_id = ANY(%(taken_over)b::bigint[])
) AS affected
GROUP BY tracker_id
