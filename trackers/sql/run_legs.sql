-- Every leg from a storage to a delivery location of runs, by their centres; at most `most` of each kind.
WITH location AS MATERIALIZED (
    SELECT
        linked.productionrun_id AS run_id,
        location.kind,
        ST_Y(location.center::geometry) AS latitude,
        ST_X(location.center::geometry) AS longitude,
        row_number() OVER (PARTITION BY linked.productionrun_id, location.kind ORDER BY location.id) AS number
    FROM locations_location_runs AS linked
    JOIN locations_location AS location ON location.id = linked.location_id
    WHERE linked.productionrun_id = ANY(%(run_ids)b::bigint[])
)
SELECT
    storage.run_id,
    storage.latitude AS from_latitude,
    storage.longitude AS from_longitude,
    delivery.latitude AS to_latitude,
    delivery.longitude AS to_longitude
FROM location AS storage
JOIN location AS delivery ON delivery.run_id = storage.run_id AND delivery.kind = 'DELIVERY' AND delivery.number <= %(most)s
WHERE storage.kind = 'STORAGE' AND storage.number <= %(most)s
ORDER BY storage.run_id, storage.number, delivery.number
