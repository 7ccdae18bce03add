-- Stores reports and drops those that are already there; returns the identities of the new ones.
INSERT INTO trackers_locationreport (
    tracker_id, seen_at, fingerprint, position, accuracy_m, confidence, battery, source, received_at
)
SELECT
    tracker_id,
    seen_at,
    fingerprint,
    ST_SetSRID(ST_MakePoint(longitude, latitude), 4326)::geography,
    accuracy_m,
    confidence,
    battery,
    source,
    %(received_at)s::timestamptz
FROM unnest(
    %(tracker_ids)b::bigint[],
    %(seen_ats)b::timestamptz[],
    %(fingerprints)b::bytea[],
    %(latitudes)b::float8[],
    %(longitudes)b::float8[],
    %(accuracies_m)b::float8[],
    %(confidences)b::smallint[],
    %(batteries)b::text[],
    %(sources)b::text[]
) AS report (
    tracker_id, seen_at, fingerprint, latitude, longitude, accuracy_m, confidence, battery, source
)
ON CONFLICT DO NOTHING
RETURNING tracker_id, seen_at, fingerprint
