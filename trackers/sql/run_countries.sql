-- The countries in which the trackers of runs may be: those that are named on the run; else, where all its locations
-- lie in one, that one alone; else all that lie between its locations, or come as close to the route as a tenth of the
-- greatest distance between them. Roads seldom go farther astray than that.
--
-- Between: in the convex hull of the locations, which holds every direct way; over the date line where that is shorter,
-- with longitudes that go on to 360. A location that the map draws into the sea belongs to the land that is nearest,
-- within `shore_deg`.
WITH centre AS MATERIALIZED (
    SELECT linked.productionrun_id AS run_id, location.center::geometry AS at
    FROM locations_location_runs AS linked
    JOIN locations_location AS location ON location.id = linked.location_id
    WHERE linked.productionrun_id = ANY(%(run_ids)b::bigint[])
),
own AS (
    SELECT centre.run_id, array_agg(DISTINCT land.country) AS countries
    FROM centre
    CROSS JOIN LATERAL (
        SELECT country
        FROM locations_countryarea
        WHERE ST_DWithin(area, centre.at, %(shore_deg)s)
        ORDER BY ST_Distance(area, centre.at), country
        LIMIT 1
    ) AS land
    GROUP BY centre.run_id
),
spread AS (
    SELECT
        run_id,
        CASE WHEN ST_XMax(shifted) - ST_XMin(shifted) < ST_XMax(flat) - ST_XMin(flat) THEN shifted ELSE flat END AS shape
    FROM (
        SELECT run_id, ST_Collect(at) AS flat, ST_Collect(ST_ShiftLongitude(at)) AS shifted FROM centre GROUP BY run_id
    ) AS collected
),
hull AS (
    SELECT
        run_id,
        area,
        ST_Translate(area, -360, 0) AS area_a_turn_back,
        ST_Length(ST_LongestLine(area, area)::geography) / 10
            / (111000 * greatest(cos(radians(ST_Y(ST_Centroid(area)))), 0.2)) AS margin_deg
    FROM (SELECT run_id, ST_ConvexHull(shape) AS area FROM spread) AS collected
)
SELECT
    run.id,
    CASE
        WHEN cardinality(run.countries) > 0 THEN run.countries
        WHEN cardinality(own.countries) > 1 THEN ARRAY(
            SELECT country
            FROM locations_countryarea
            WHERE ST_DWithin(area, hull.area, hull.margin_deg)
                OR ST_DWithin(area, hull.area_a_turn_back, hull.margin_deg)
            UNION
            SELECT unnest(own.countries)
            ORDER BY 1
        )
        ELSE coalesce(own.countries, '{}')
    END
FROM clients_productionrun AS run
LEFT JOIN own ON own.run_id = run.id
LEFT JOIN hull ON hull.run_id = run.id
WHERE run.id = ANY(%(run_ids)b::bigint[])
