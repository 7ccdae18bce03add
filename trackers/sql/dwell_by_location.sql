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
JOIN locations_location AS location ON location.id = stay.location_id
CROSS JOIN LATERAL (
    SELECT greatest(
        extract(
            epoch FROM least(stay.ended_at, %(until)s::timestamptz, %(now)s::timestamptz)
            - greatest(stay.started_at + location.free_time_h * interval '1 hour', %(since)s::timestamptz)
        ),
        0
    )::float8 AS lasted_s
    WHERE location.free_time_h IS NOT NULL
    UNION ALL
    SELECT 0
    WHERE location.free_time_h IS NULL
) AS charge
GROUP BY location.id
ORDER BY count(*) DESC, location.id
LIMIT %(limit)s
