-- The locations that each point is in, or so near that its error circle may still touch them; a point that is near none
-- comes once, with nulls. The points are a query of (run_id, seen_at, at geography, reach_m, and what else the columns
-- name).
--
-- The GiST index on the fence, which covers the circle or is the area, finds the candidates by their boxes (on the
-- sphere, within 0.6 percent of the spheroid, hence the margin); the exact distance decides, on the spheroid, and is
-- measured once. _ST_Expand is the index half of ST_DWithin, whose other half would measure the whole outline of the
-- fence first. A fence counts only in the point's run and while it is active. The first OFFSET 0 keeps the planner from
-- starting at the run, whose every fence it would have to measure; the others, from measuring again for each column.
SELECT
    {columns},
    near.id,
    near.kind = 'DELIVERY',
    near.gap_m <= 0,
    near.gap_m,
    near.centre_m
FROM ({points}) AS point
LEFT JOIN LATERAL (
    SELECT
        found.id,
        found.kind,
        measured.shape_m - CASE WHEN found.area IS NULL THEN found.radius_m ELSE 0 END AS gap_m,
        CASE WHEN found.area IS NULL THEN measured.shape_m ELSE ST_Distance(found.center, point.at) END AS centre_m
    FROM (
        SELECT id, kind, center, area, radius_m
        FROM locations_location
        WHERE fence && _ST_Expand(point.at, point.reach_m * 1.01 + 1)
            AND (active_from IS NULL OR active_from <= point.seen_at)
            AND (active_until IS NULL OR point.seen_at < active_until)
        OFFSET 0
    ) AS found
    CROSS JOIN LATERAL (SELECT ST_Distance(coalesce(found.area, found.center), point.at) AS shape_m OFFSET 0) AS measured
    WHERE EXISTS (
        SELECT FROM locations_location_runs AS linked
        WHERE linked.location_id = found.id AND linked.productionrun_id = point.run_id
    )
    OFFSET 0
) AS near ON near.gap_m <= point.reach_m * 1.01 + 1
