-- Stays at locations within a range by location: how many, how long they last altogether (those that go on: until
-- now), and the chargeable hours that fall into the range, which begin when the free time is over. So what a month
-- charges for is never charged by another. The stays are those of another query.
SELECT
    location.id,
    location.name,
    location.kind,
    location.free_time_h,
    count(*),
    count(*) FILTER (WHERE stay.ended_at IS NULL),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY stay.lasted_s),
    percentile_cont(0.9) WITHIN GROUP (ORDER BY stay.lasted_s),
    max(stay.lasted_s),
    coalesce(sum(charge.lasted_s), 0),
    count(*) FILTER (WHERE charge.lasted_s > 0)
FROM (
    SELECT
        *,
        extract(epoch FROM least(ended_at, %(now)s::timestamptz) - started_at)::float8 AS lasted_s
    FROM ({stays}) AS stay_in_range
    WHERE location_id IS NOT NULL AND started_at < %(now)s::timestamptz
) AS stay
-- By its key for each stay: from so few stays as the planner expects it would go through all locations.
CROSS JOIN LATERAL (
    SELECT id, name, kind, free_time_h
    FROM locations_location
    WHERE id = stay.location_id
    OFFSET 0
) AS location
CROSS JOIN LATERAL (
    SELECT CASE WHEN location.free_time_h IS NULL THEN 0 ELSE greatest(
        extract(
            epoch FROM least(stay.ended_at, %(until)s::timestamptz, %(now)s::timestamptz)
            - greatest(stay.started_at + location.free_time_h * interval '1 hour', %(since)s::timestamptz)
        ),
        0
    ) END::float8 AS lasted_s
) AS charge
GROUP BY location.id, location.name, location.kind, location.free_time_h
ORDER BY count(*) DESC, location.id
LIMIT %(limit)s
