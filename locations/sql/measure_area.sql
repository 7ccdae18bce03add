-- How large an area is, on the spheroid, and its own centre.
SELECT
    ST_Area(shape) AS size_m2,
    ST_X(centre) AS longitude,
    ST_Y(centre) AS latitude
FROM (SELECT %(area)s::geography AS shape) AS given
CROSS JOIN LATERAL (SELECT ST_Centroid(shape)::geometry AS centre) AS own
