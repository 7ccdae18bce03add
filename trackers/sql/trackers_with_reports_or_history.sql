-- Those of the trackers that have anything to recompute: a report, or history or events that are thought to be right. One
-- probe of an index for each, whatever the planner thinks of the size of the tables.
SELECT chosen.tracker_id
FROM unnest(%(tracker_ids)b::bigint[]) AS chosen (tracker_id)
WHERE EXISTS (
        SELECT FROM (
            SELECT FROM trackers_locationreport WHERE tracker_id = chosen.tracker_id LIMIT 1
        ) AS report
    )
    OR EXISTS (
        SELECT FROM (
            SELECT FROM trackers_statuschange
            WHERE tracker_id = chosen.tracker_id AND retracted_at IS NULL LIMIT 1
        ) AS period
    )
    OR EXISTS (
        SELECT FROM (
            SELECT FROM trackers_geofenceevent
            WHERE tracker_id = chosen.tracker_id AND retracted_at IS NULL LIMIT 1
        ) AS event
    )
ORDER BY chosen.tracker_id
