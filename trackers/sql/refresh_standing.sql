-- Brings what hours and days tell of status periods in line with them, in all that spans of time reach into; both at once, since
-- neither comes from the other. Each is standing_of_buckets.sql, put in by code.
WITH span AS MATERIALIZED (
    SELECT tracker_id, since, coalesce(until, 'infinity') AS until
    FROM unnest(%(tracker_ids)b::bigint[], %(sinces)b::timestamptz[], %(untils)b::timestamptz[])
        AS given (tracker_id, since, until)
),
refreshed_hours AS (
{hours}
)
{days}
