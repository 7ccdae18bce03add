SELECT
    run_id,
    seen_at,
    ST_SetSRID(ST_MakePoint(longitude, latitude), 4326)::geography AS at,
    reach_m,
    (ordinality - 1)::integer AS point
FROM unnest(
    %(run_ids)b::bigint[],
    %(seen_ats)b::timestamptz[],
    %(longitudes)b::float8[],
    %(latitudes)b::float8[],
    %(reaches_m)b::float8[]
) WITH ORDINALITY AS given (run_id, seen_at, longitude, latitude, reach_m, ordinality)
