-- Writes how the fetches of a batch ended: the trackers' states and their tallies of the day.
-- Rows are locked in the order of ids. A tracker taken out of the queue meanwhile stays out.
WITH outcome AS MATERIALIZED (
    SELECT *
    FROM unnest(
        %(tracker_ids)s::bigint[], %(due_ats)s::timestamptz[], %(factors)s::smallint[], %(reports)s::integer[]
    ) AS o (tracker_id, due_at, factor, reports)
),
locked AS MATERIALIZED (
    SELECT tracker_id
    FROM ingestion_fetchstate
    WHERE tracker_id = ANY(%(tracker_ids)s::bigint[])
    ORDER BY tracker_id
    FOR UPDATE
),
state AS (
    UPDATE ingestion_fetchstate AS s
    SET next_due_at = CASE WHEN s.next_due_at IS NOT NULL THEN o.due_at END,
        backoff_factor = o.factor,
        consecutive_failures = CASE WHEN %(failed)s::boolean THEN s.consecutive_failures + 1 ELSE 0 END,
        consecutive_empty_fetches = CASE
            WHEN o.reports > 0 THEN 0
            WHEN %(failed)s::boolean THEN s.consecutive_empty_fetches
            ELSE s.consecutive_empty_fetches + 1
        END,
        last_attempt_at = %(now)s::timestamptz,
        last_success_at = CASE
            WHEN %(failed)s::boolean THEN s.last_success_at ELSE %(now)s::timestamptz
        END,
        last_report_at = CASE WHEN o.reports > 0 THEN %(now)s::timestamptz ELSE s.last_report_at END,
        last_error = %(error)s::text
    FROM outcome AS o
    JOIN locked USING (tracker_id)
    WHERE s.tracker_id = o.tracker_id
    RETURNING s.tracker_id, o.reports
)
INSERT INTO ingestion_fetchtally AS t (tracker_id, day, attempts, failures, empty_fetches, reports)
SELECT
    tracker_id,
    %(day)s::date,
    1,
    %(failed)s::boolean::integer,
    (NOT %(failed)s::boolean AND reports = 0)::integer,
    reports
FROM state
ORDER BY tracker_id
ON CONFLICT (tracker_id, day) DO UPDATE
SET attempts = t.attempts + EXCLUDED.attempts,
    failures = t.failures + EXCLUDED.failures,
    empty_fetches = t.empty_fetches + EXCLUDED.empty_fetches,
    reports = t.reports + EXCLUDED.reports
