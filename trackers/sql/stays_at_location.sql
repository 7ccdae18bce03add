-- The valid stays at a location that overlap [since, until), under certain assignments: a query of (id, tracker_id).
SELECT id, tracker_id, assignment_id, status, location_id, started_at, ended_at
FROM trackers_statuschange
WHERE location_id = %(location_id)s
    AND retracted_at IS NULL
    AND tstzrange(started_at, ended_at, '[)') && tstzrange(%(since)s::timestamptz, %(until)s::timestamptz, '[)')
    AND assignment_id IN (SELECT chosen.id FROM ({assignments}) AS chosen (id, tracker_id))
