-- Stores reports and drops those that are already there; returns the identities of the new ones.
INSERT INTO trackers_locationreport (
    tracker_id, seen_at, fingerprint, position, accuracy_m, confidence, battery, source, published_at, received_at
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
    published_at,
    %(received_at)s::timestamptz
FROM unnest(
    %(tracker_ids)s::bigint[],
    %(seen_ats)s::timestamptz[],
    %(fingerprints)s::bytea[],
    %(latitudes)s::float8[],
    %(longitudes)s::float8[],
    %(accuracies_m)s::float8[],
    %(confidences)s::smallint[],
    %(batteries)s::text[],
    %(sources)s::text[],
    %(published_ats)s::timestamptz[]
) AS report (
    tracker_id, seen_at, fingerprint, latitude, longitude, accuracy_m, confidence, battery, source, published_at
)
ON CONFLICT DO NOTHING
RETURNING tracker_id, seen_at, fingerprint
