-- Valid alerts as the outbox tells them, with the client of their assignment; a site outage has none.
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
FROM trackers_alert AS alert
LEFT JOIN trackers_assignment AS assignment ON assignment.id = alert.assignment_id
LEFT JOIN clients_productionrun AS run ON run.id = assignment.run_id
LEFT JOIN clients_brand AS brand ON brand.id = run.brand_id
WHERE alert.id = ANY(%(ids)b::bigint[])
    AND alert.retracted_at IS NULL
ORDER BY alert.id
