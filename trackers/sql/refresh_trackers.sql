-- Sets the trackers' latest assignment, how it stands, and the nearest place to its last position. Rows that are right
-- already are left alone. What is true of them is trackers_as_they_stand.sql with its nearest places.
UPDATE trackers_tracker AS tracker
SET latest_assignment_id = truth.assignment_id,
    status = truth.status,
    location_id = truth.location_id,
    status_since = truth.started_at,
    last_seen_at = truth.seen_at,
    last_received_at = truth.received_at,
    last_position = truth.at,
    last_accuracy_m = truth.accuracy_m,
    near_id = truth.place_id,
    near_m = truth.place_m,
    battery = truth.battery,
    updated_at = %(now)s::timestamptz
FROM ({truth}) AS truth
WHERE tracker.id = truth.tracker_id
    AND (
        tracker.latest_assignment_id, tracker.status, tracker.location_id, tracker.status_since,
        tracker.last_seen_at, tracker.last_received_at, tracker.last_position::bytea, tracker.last_accuracy_m,
        tracker.near_id, tracker.near_m, tracker.battery
    ) IS DISTINCT FROM (
        truth.assignment_id, truth.status, truth.location_id, truth.started_at,
        truth.seen_at, truth.received_at, truth.at::bytea, truth.accuracy_m,
        truth.place_id, truth.place_m, truth.battery
    )
RETURNING tracker.id
