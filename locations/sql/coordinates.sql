SELECT ST_SetSRID(ST_MakePoint(longitude, latitude), 4326)::geography AS at, ordinality
FROM unnest(%(longitudes)b::float8[], %(latitudes)b::float8[]) WITH ORDINALITY
    AS given (longitude, latitude, ordinality)
