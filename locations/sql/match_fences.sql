-- The locations that each point is in, or so near that its error circle may still touch them; a point that is near none
-- comes with nulls. The points are a query of (run_id, seen_at, at geography, reach_m, and what else the columns name).
--
-- Whatever reports again and again does not move, or moves slowly, so points are put into cells of a hundredth of a
-- degree, and the GiST index on the fence, which covers the circle or is the area, is asked once for each run and cell:
-- for the fences within reach of its middle, from which no point is farther than 790 m; by their boxes, on the sphere
-- (within 0.6 percent of the spheroid, hence the margins). The exact distance decides, on the spheroid, and is measured once.
-- _ST_Expand is the index half of ST_DWithin, whose other half would measure the whole outline of the fence first. A
-- fence counts only in the point's run and while it is active. OFFSET 0 keeps the planner from starting at the run, and
-- from measuring again for each column.
WITH point AS MATERIALIZED (
    SELECT
        *,
        floor(least(ST_X(at::geometry), 179.999) * 100) AS cell_x,
        floor(least(ST_Y(at::geometry), 89.999) * 100) AS cell_y
    FROM ({points}) AS given
),
cell AS MATERIALIZED (
    SELECT
        run_id,
        cell_x,
        cell_y,
        ST_SetSRID(ST_MakePoint((cell_x + 0.5) / 100, (cell_y + 0.5) / 100), 4326)::geography AS middle,
        max(reach_m) + 790 AS reach_m
    FROM point
    GROUP BY run_id, cell_x, cell_y
),
candidate AS MATERIALIZED (
    SELECT cell.run_id, cell.cell_x, cell.cell_y, found.*
    FROM cell
    CROSS JOIN LATERAL (
        SELECT
            id, kind, center, area, fence, active_from, active_until, entry_radius_m,
            CASE WHEN area IS NULL THEN radius_m ELSE 0 END AS radius_m
        FROM locations_location
        WHERE fence && _ST_Expand(cell.middle, cell.reach_m * 1.01 + 1)
        OFFSET 0
    ) AS found
    WHERE EXISTS (
        SELECT FROM locations_location_runs AS linked
        WHERE linked.location_id = found.id AND linked.productionrun_id = cell.run_id
    )
),
measured AS (
    SELECT
        point.*,
        candidate.id AS location_id,
        candidate.kind,
        candidate.area,
        candidate.center,
        candidate.radius_m,
        candidate.entry_radius_m,
        ST_Distance(coalesce(candidate.area, candidate.center), point.at) AS shape_m
    FROM point
    LEFT JOIN candidate
        ON candidate.run_id = point.run_id
        AND candidate.cell_x = point.cell_x
        AND candidate.cell_y = point.cell_y
        AND candidate.fence && _ST_Expand(point.at, point.reach_m * 1.01 + 1)
        AND (candidate.active_from IS NULL OR candidate.active_from <= point.seen_at)
        AND (candidate.active_until IS NULL OR point.seen_at < candidate.active_until)
    OFFSET 0
)
SELECT
    {columns},
    location_id,
    kind = 'DELIVERY',
    shape_m <= radius_m,
    shape_m - radius_m,
    CASE WHEN area IS NULL THEN shape_m ELSE ST_Distance(center, at) END,
    entry_radius_m
FROM measured AS point
