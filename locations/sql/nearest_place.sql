-- The nearest place to each point, in the country that it lies in; at sea or on a coast that the map cuts off, of any
-- country. Nothing beyond the cap. The points are a query of (at geography, and what else the columns name); a point
-- that is null or near nothing has nulls.
--
-- The index gives the nearest in degrees, many times faster than one of geography would; of the forty first, those in
-- the country are measured on the ground. Near 180 degrees it looks on the other side too. A point on a border is in the
-- country that comes first.
SELECT
    {columns},
    place.id AS place_id,
    place.away_m AS place_m
FROM ({points}) AS point
LEFT JOIN LATERAL (
    SELECT min(country) AS country
    FROM locations_countryarea
    WHERE ST_Intersects(area, point.at::geometry)
) AS land ON true
LEFT JOIN LATERAL (
    SELECT id, ST_Distance(position::geography, point.at) AS away_m
    FROM (
        (
            SELECT id, country, position
            FROM locations_place
            WHERE point.at IS NOT NULL
            ORDER BY position <-> point.at::geometry
            LIMIT 40
        )
        UNION ALL
        (
            SELECT id, country, position
            FROM locations_place
            WHERE abs(ST_X(point.at::geometry)) > 175
            ORDER BY position <-> ST_Translate(point.at::geometry, -360 * sign(ST_X(point.at::geometry)), 0)
            LIMIT 40
        )
    ) AS candidate
    WHERE country = coalesce(land.country, country)
    ORDER BY away_m, id
    LIMIT 1
) AS place ON place.away_m <= {cap_m}
