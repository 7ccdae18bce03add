-- The nearest place to each point, in the country that it lies in; at sea or on a coast that the map cuts off, of any
-- country. Nothing beyond the cap. The points are a query of (at geography, and what else the columns name); a point
-- that is null or near nothing has nulls.
--
-- The index gives the nearest in degrees, many times faster than one of geography would. Where none of the ten first is
-- in the country, it looks farther. A point on a border is in the country that comes first.
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
    SELECT id, position
    FROM ({ten_nearest}) AS candidate
    WHERE country = coalesce(land.country, country)
    ORDER BY ST_DistanceSphere(position, point.at::geometry), id
    LIMIT 1
) AS close ON true
LEFT JOIN LATERAL (
    SELECT id, position
    FROM ({hundred_nearest}) AS candidate
    WHERE country = coalesce(land.country, country)
    ORDER BY ST_DistanceSphere(position, point.at::geometry), id
    LIMIT 1
) AS far ON true
LEFT JOIN LATERAL (
    SELECT
        coalesce(close.id, far.id) AS id,
        ST_Distance(coalesce(close.position, far.position)::geography, point.at) AS away_m
) AS place ON place.away_m <= {cap_m}
