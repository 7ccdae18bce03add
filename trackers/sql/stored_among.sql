-- Which of these identities are in the store. OFFSET 0 keeps it at one look into the key's index for each of them.
SELECT asked.tracker_id, asked.seen_at, asked.fingerprint
FROM unnest(%(tracker_ids)b::bigint[], %(seen_ats)b::timestamptz[], %(fingerprints)b::bytea[])
    AS asked (tracker_id, seen_at, fingerprint)
CROSS JOIN LATERAL (
    SELECT
    FROM trackers_locationreport AS report
    WHERE report.tracker_id = asked.tracker_id
        AND report.seen_at = asked.seen_at
        AND report.fingerprint = asked.fingerprint
    OFFSET 0
) AS stored
