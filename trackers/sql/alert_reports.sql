-- The reports of assignments that count, are outliers or held, from the last two on that count and were seen before a
-- moment, in time order. At most `most` of each.
--
-- Each with the country on whose land it lies, where that is none of the allowed ones, which are codes with commas
-- between them: empty on allowed land, null at sea, null too where allowed land is so close that the report's error and
-- the coarseness of the borders may have put it on the wrong side. Without allowed countries no land is looked for.
SELECT
    assignment.assignment_id,
    report.seen_at,
    ST_Y(report.position::geometry) AS latitude,
    ST_X(report.position::geometry) AS longitude,
    coalesce(report.accuracy_m, 0)::float8 AS accuracy_m,
    report.battery,
    report.verdict = '' AS counts,
    CASE
        WHEN land.country = ANY(string_to_array(assignment.allowed, ',')) THEN ''
        WHEN land.country IS NOT NULL AND NOT EXISTS (
            SELECT
            FROM (
                SELECT
                    %(border_slack_m)s + coalesce(report.accuracy_m, 0) AS slack_m,
                    greatest(cos(radians(ST_Y(report.position::geometry))), 0.05) AS shrunk
            ) AS near
            CROSS JOIN LATERAL (VALUES (near.slack_m / 110000)) AS box (degrees)
            JOIN locations_countryarea AS home
                ON home.area && ST_Expand(report.position::geometry, box.degrees / near.shrunk, box.degrees)
            WHERE home.country = ANY(string_to_array(assignment.allowed, ','))
                AND ST_DWithin(home.area::geography, report.position, near.slack_m)
        ) THEN land.country
    END AS abroad
FROM unnest(
    %(assignment_ids)b::bigint[],
    %(tracker_ids)b::bigint[],
    %(changed_sinces)b::timestamptz[],
    %(sinces)b::timestamptz[],
    %(untils)b::timestamptz[],
    %(allowed)b::text[]
) AS assignment (assignment_id, tracker_id, changed_since, since, until, allowed)
CROSS JOIN LATERAL (
    SELECT coalesce(min(seen_at), assignment.changed_since) AS seen_at
    FROM (
        SELECT seen_at
        FROM trackers_locationreport
        WHERE tracker_id = assignment.tracker_id
            AND seen_at >= assignment.since
            AND seen_at < least(assignment.changed_since, assignment.until)
            AND verdict = ''
        ORDER BY seen_at DESC
        LIMIT 2
    ) AS counting
) AS first
CROSS JOIN LATERAL (
    SELECT seen_at, position, accuracy_m, battery, verdict
    FROM trackers_locationreport
    WHERE tracker_id = assignment.tracker_id
        AND seen_at >= greatest(first.seen_at, assignment.since)
        AND seen_at < assignment.until
        AND verdict IN ('', 'OUTLIER', 'HELD')
    ORDER BY seen_at
    LIMIT %(most)s
) AS report
LEFT JOIN LATERAL (
    SELECT min(country) AS country
    FROM locations_countryarea
    WHERE assignment.allowed <> '' AND ST_Intersects(area, report.position::geometry)
) AS land ON true
ORDER BY assignment.assignment_id, report.seen_at
