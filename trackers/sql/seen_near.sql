-- Those of the trackers that a usable or unusable report places within reach of the fence as it is or as it was, while
-- one of the two was active. A superset of those whose history can change: distances on the sphere, with a margin.
SELECT chosen.tracker_id
FROM unnest(%(tracker_ids)b::bigint[]) AS chosen (tracker_id)
WHERE EXISTS (
    SELECT
    FROM trackers_recomputationjob AS job
    LEFT JOIN locations_location AS location ON location.id = job.location_id
    LEFT JOIN trackers_retentioncutoff AS cutoff ON true
    JOIN trackers_locationreport AS report
        ON report.tracker_id = chosen.tracker_id
        AND report.seen_at >= greatest(job.since, cutoff.reports_kept_from, '-infinity')
        AND report.seen_at < coalesce(job.until, 'infinity')
    JOIN trackers_assignment AS assignment
        ON assignment.tracker_id = chosen.tracker_id AND assignment.period @> report.seen_at
        AND assignment.run_id = coalesce(job.run_id, assignment.run_id)
    JOIN clients_productionrun AS run ON run.id = assignment.run_id
    CROSS JOIN LATERAL (
        SELECT least(coalesce(report.accuracy_m, 0), run.exit_accuracy_cap_m) AS reach_m
    ) AS circle
    WHERE job.id = %(job_id)s
        AND (
            job.reason = 'RUN'
            OR ST_DWithin(job.old_shape, report.position, (job.old_radius_m + reach_m) * 1.01 + 1, false)
            OR ST_DWithin(
                coalesce(location.area, location.center),
                report.position,
                (CASE WHEN location.area IS NULL THEN location.radius_m ELSE 0 END + reach_m) * 1.01 + 1,
                false
            )
        )
)
