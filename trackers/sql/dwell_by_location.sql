-- Visits within a range by location: how many, how long they last altogether (those that go on: until now), and the
-- detention that falls into the range, which begins when the free time is over. So what a month charges for is never
-- charged by another. The visits are those status periods of another query that have a location.
SELECT
    location.id AS location_id,
    location.name,
    location.kind,
    location.free_time_h * interval '1 hour' AS free_time,
    count(*) AS visits,
    count(*) FILTER (WHERE visit.ended_at IS NULL) AS ongoing,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY visit.lasted_s) * interval '1 second' AS median,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY visit.lasted_s) * interval '1 second' AS p90,
    max(visit.lasted_s) * interval '1 second' AS longest,
    coalesce(sum(detention.lasted_s), 0) * interval '1 second' AS detention,
    count(*) FILTER (WHERE detention.lasted_s > 0) AS detained
FROM (
    SELECT
        *,
        extract(epoch FROM least(ended_at, %(now)s::timestamptz) - started_at)::float8 AS lasted_s
    FROM ({periods}) AS period_in_range
    WHERE location_id IS NOT NULL AND started_at < %(now)s::timestamptz
) AS visit
-- By its key for each visit: for so few visits as the planner expects it would go through all locations.
CROSS JOIN LATERAL (
    SELECT id, name, kind, free_time_h
    FROM locations_location
    WHERE id = visit.location_id
    OFFSET 0
) AS location
CROSS JOIN LATERAL (
    SELECT CASE WHEN location.free_time_h IS NULL THEN 0 ELSE greatest(
        extract(
            epoch FROM least(visit.ended_at, %(until)s::timestamptz, %(now)s::timestamptz)
            - greatest(visit.started_at + location.free_time_h * interval '1 hour', %(since)s::timestamptz)
        ),
        0
    ) END::float8 AS lasted_s
) AS detention
GROUP BY location.id, location.name, location.kind, location.free_time_h
ORDER BY count(*) DESC, location.id
LIMIT %(limit)s
