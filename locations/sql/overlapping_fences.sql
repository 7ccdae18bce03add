-- Locations of the same runs whose fences overlap with a fence, or touch it, and that have not ended; nearest first.
SELECT location.name, location.kind
FROM locations_location AS location
CROSS JOIN (SELECT %(shape)s::geography AS shape, %(centre)s::geography AS centre) AS given
WHERE location.id <> %(own_id)s
    AND location.fence && _ST_Expand(given.shape, %(radius_m)s * 1.01 + 1)
    AND (location.active_until IS NULL OR location.active_until > %(now)s)
    AND EXISTS (
        SELECT FROM locations_location_runs AS linked
        WHERE linked.location_id = location.id AND linked.productionrun_id = ANY(%(run_ids)b::bigint[])
    )
    AND ST_DWithin(
        coalesce(location.area, location.center),
        given.shape,
        %(radius_m)s + CASE WHEN location.area IS NULL THEN location.radius_m ELSE 0 END
    )
ORDER BY ST_Distance(location.center, given.centre), location.id
LIMIT %(most)s
