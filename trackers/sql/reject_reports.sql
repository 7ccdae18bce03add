-- Keeps rejected payloads; the gateway repeats what it has, so the same one again only counts up.
INSERT INTO trackers_rejectedreport (
    tracker_id, source, hashed_key, payload, reason, detail, fingerprint,
    occurrences, first_received_at, last_received_at
)
SELECT tracker_id, source, hashed_key, payload, reason, detail, fingerprint, 1, %(now)s, %(now)s
FROM unnest(
    %(tracker_ids)b::bigint[],
    %(sources)b::text[],
    %(hashed_keys)b::text[],
    %(payloads)b::bytea[],
    %(reasons)b::text[],
    %(details)b::text[],
    %(fingerprints)b::bytea[]
) AS rejection (tracker_id, source, hashed_key, payload, reason, detail, fingerprint)
ON CONFLICT (source, fingerprint) DO UPDATE
SET occurrences = trackers_rejectedreport.occurrences + 1,
    last_received_at = excluded.last_received_at,
    reason = excluded.reason,
    detail = excluded.detail
