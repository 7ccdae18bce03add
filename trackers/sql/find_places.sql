-- Names the nearest place of trackers that moved, the first by id; those that somebody else holds wait for the next
-- time. What finds it is locations/sql/nearest_place.sql, for the positions of `moved`.
WITH moved AS MATERIALIZED (
    SELECT id AS tracker_id, last_position AS at
    FROM trackers_tracker
    WHERE near_is_due
    ORDER BY id
    LIMIT %(most)s
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE trackers_tracker AS tracker
SET near_id = found.place_id,
    near_m = found.place_m,
    near_is_due = false,
    updated_at = %(now)s::timestamptz
FROM ({near}) AS found
WHERE tracker.id = found.tracker_id
