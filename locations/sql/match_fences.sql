-- The locations that each point is in, or so near that its error circle may still touch them.
--
-- The GiST index on the fence, which covers the circle or is the area, finds the candidates on the sphere (within
-- 0.6 percent of the spheroid, hence the margin); the exact distances decide on the spheroid. A fence counts only in the
-- point's run and while it is active.
SELECT
    (point.position - 1)::integer,
    location.id,
    location.kind = 'DELIVERY',
    ST_DWithin(coalesce(location.area, location.center), place.at, shape.radius_m),
    ST_Distance(coalesce(location.area, location.center), place.at) - shape.radius_m,
    ST_Distance(location.center, place.at)
FROM unnest(
    %(run_ids)s::bigint[],
    %(seen_ats)s::timestamptz[],
    %(longitudes)s::float8[],
    %(latitudes)s::float8[],
    %(reaches_m)s::float8[]
) WITH ORDINALITY AS point (run_id, seen_at, longitude, latitude, reach_m, position)
CROSS JOIN LATERAL (
    SELECT ST_SetSRID(ST_MakePoint(point.longitude, point.latitude), 4326)::geography AS at
) AS place
JOIN locations_location AS location
    ON ST_DWithin(location.fence, place.at, point.reach_m * 1.01 + 1, false)
JOIN locations_location_runs AS linked
    ON linked.location_id = location.id AND linked.productionrun_id = point.run_id
CROSS JOIN LATERAL (
    SELECT CASE WHEN location.area IS NULL THEN location.radius_m ELSE 0 END AS radius_m
) AS shape
WHERE (location.active_from IS NULL OR location.active_from <= point.seen_at)
    AND (location.active_until IS NULL OR point.seen_at < location.active_until)
