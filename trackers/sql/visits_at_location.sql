-- The valid visits of a location that overlap [since, until), under certain assignments: a query of (id, tracker_id).
-- Without the cast the number is an integer to the server, for which the index by location and range is of no use.
SELECT id, tracker_id, assignment_id, status, location_id, started_at, ended_at
FROM trackers_statuschange
WHERE location_id = %(location_id)s::bigint
    AND retracted_at IS NULL
    AND tstzrange(started_at, ended_at, '[)') && tstzrange(%(since)s::timestamptz, %(until)s::timestamptz, '[)')
    AND assignment_id IN (SELECT chosen.id FROM ({assignments}) AS chosen (id, tracker_id))
