-- Valid alerts as the outbox tells them, with the client of their assignment; a site outage has none. They are read by
-- their ids before anything else, whatever statistics say of the tables.
WITH alert AS MATERIALIZED (
    SELECT * FROM trackers_alert WHERE id = ANY(%(ids)b::bigint[]) AND retracted_at IS NULL
)
SELECT
    alert.id,
    alert.kind,
    alert.tracker_id,
    alert.assignment_id,
    brand.client_id,
    alert.location_id,
    alert.country,
    alert.began_at,
    alert.latest_at,
    alert.ended_at,
    alert.measure
FROM alert
LEFT JOIN trackers_assignment AS assignment ON assignment.id = alert.assignment_id
LEFT JOIN clients_productionrun AS run ON run.id = assignment.run_id
LEFT JOIN clients_brand AS brand ON brand.id = run.brand_id
ORDER BY alert.id
