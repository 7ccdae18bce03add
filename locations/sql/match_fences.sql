-- The locations that each point is in, or so near that its error circle may still touch them; a point that is near none
-- comes once, with nulls. The points are a query of (run_id, seen_at, at geography, reach_m, and what else the columns
-- name).
--
-- The GiST index on the fence, which covers the circle or is the area, finds the candidates on the sphere (within
-- 0.6 percent of the spheroid, hence the margin); the exact distances decide on the spheroid. A fence counts only in
-- the point's run and while it is active. OFFSET 0 keeps the planner from starting at the run, whose every fence it
-- would have to measure.
SELECT
    {columns},
    near.id,
    near.kind = 'DELIVERY',
    ST_DWithin(near.shape, point.at, near.radius_m),
    ST_Distance(near.shape, point.at) - near.radius_m,
    ST_Distance(near.center, point.at)
FROM ({points}) AS point
LEFT JOIN LATERAL (
    SELECT
        id,
        kind,
        center,
        coalesce(area, center) AS shape,
        CASE WHEN area IS NULL THEN radius_m ELSE 0 END AS radius_m
    FROM locations_location
    WHERE ST_DWithin(fence, point.at, point.reach_m * 1.01 + 1, false)
        AND (active_from IS NULL OR active_from <= point.seen_at)
        AND (active_until IS NULL OR point.seen_at < active_until)
    OFFSET 0
) AS near ON EXISTS (
    SELECT FROM locations_location_runs AS linked
    WHERE linked.location_id = near.id AND linked.productionrun_id = point.run_id
)
