-- The first places by their distance in degrees; near 180 degrees it looks on the other side too.
(
    SELECT id, country, position
    FROM locations_place
    WHERE point.at IS NOT NULL AND {condition}
    ORDER BY position <-> point.at::geometry
    LIMIT {number}
)
UNION ALL
(
    SELECT id, country, position
    FROM locations_place
    WHERE abs(ST_X(point.at::geometry)) > 175 AND {condition}
    ORDER BY position <-> ST_Translate(point.at::geometry, -360 * sign(ST_X(point.at::geometry)), 0)
    LIMIT {number}
)
