-- A page of status periods by tracker and time, after the last of the page before, each clipped to the range and with its
-- reports there. Their number comes from whole days, else whole hours, of the rollups, and from reports at the edges:
-- however long one lasts, two hours of reports, two days of hours and its days are read. The status periods are those of another query.
WITH page AS MATERIALIZED (
    SELECT
        period.*,
        greatest(period.started_at, %(since)s::timestamptz) AS from_at,
        least(period.ended_at, %(until)s::timestamptz, %(now)s::timestamptz) AS until_at
    FROM ({periods}) AS period
    WHERE period.started_at < %(now)s::timestamptz
        AND period.tracker_id >= %(after_tracker)s
        AND (period.tracker_id, period.started_at, period.id)
            > (%(after_tracker)s, %(after_started_at)s::timestamptz, %(after_id)s)
    ORDER BY period.tracker_id, period.started_at, period.id
    LIMIT %(limit)s
)
SELECT
    page.id,
    page.tracker_id,
    tracker.mac,
    page.assignment_id,
    page.status,
    page.location_id,
    location.name AS location_name,
    page.started_at,
    page.ended_at,
    page.from_at,
    page.until_at,
    first_report.seen_at AS first_report_at,
    last_report.seen_at AS last_report_at,
    (
        SELECT count(*)
        FROM trackers_locationreport
        WHERE tracker_id = page.tracker_id AND seen_at >= page.from_at AND seen_at < edge.first_hour
    ) + (
        SELECT coalesce(sum(reports), 0)
        FROM trackers_hourlyposition
        WHERE tracker_id = page.tracker_id AND bucket_at >= edge.first_hour AND bucket_at < edge.first_day
    ) + (
        SELECT coalesce(sum(reports), 0)
        FROM trackers_dailyposition
        WHERE tracker_id = page.tracker_id AND bucket_at >= edge.first_day AND bucket_at < edge.last_day
    ) + (
        SELECT coalesce(sum(reports), 0)
        FROM trackers_hourlyposition
        WHERE tracker_id = page.tracker_id AND bucket_at >= edge.last_day AND bucket_at < edge.last_hour
    ) + (
        SELECT count(*)
        FROM trackers_locationreport
        WHERE tracker_id = page.tracker_id AND seen_at >= edge.last_hour AND seen_at < page.until_at
    ) AS reports
FROM page
JOIN trackers_tracker AS tracker ON tracker.id = page.tracker_id
LEFT JOIN locations_location AS location ON location.id = page.location_id
CROSS JOIN LATERAL (
    SELECT
        least(page.until_at, date_trunc('hour', page.from_at + interval '1 hour' - interval '1 microsecond', 'UTC'))
            AS first_hour,
        least(page.until_at, date_trunc('day', page.from_at + interval '1 day' - interval '1 microsecond', 'UTC'))
            AS first_day
) AS first_edge
CROSS JOIN LATERAL (
    SELECT
        first_edge.first_hour,
        greatest(first_edge.first_hour, least(first_edge.first_day, date_trunc('hour', page.until_at, 'UTC')))
            AS first_day,
        greatest(
            first_edge.first_hour,
            least(first_edge.first_day, date_trunc('hour', page.until_at, 'UTC')),
            date_trunc('day', page.until_at, 'UTC')
        ) AS last_day,
        greatest(first_edge.first_hour, date_trunc('hour', page.until_at, 'UTC')) AS last_hour
) AS edge
LEFT JOIN LATERAL (
    SELECT seen_at
    FROM trackers_locationreport
    WHERE tracker_id = page.tracker_id AND seen_at >= page.from_at AND seen_at < page.until_at
    ORDER BY seen_at
    LIMIT 1
) AS first_report ON true
LEFT JOIN LATERAL (
    SELECT seen_at
    FROM trackers_locationreport
    WHERE tracker_id = page.tracker_id AND seen_at >= page.from_at AND seen_at < page.until_at
    ORDER BY seen_at DESC
    LIMIT 1
) AS last_report ON true
ORDER BY page.tracker_id, page.started_at, page.id
