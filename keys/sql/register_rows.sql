-- Trackers of checked rows of an import, in the order of the file; those of a run are on their way to it already.
INSERT INTO trackers_tracker (
    mac, serial, firmware, hardware_revision, manufactured_at, state, status, battery, verified_at, created_at, updated_at
)
SELECT
    mac,
    NULLIF(serial, ''),
    firmware,
    hardware_revision,
    manufactured_at,
    CASE WHEN run_id IS NULL THEN 'IN_STOCK' ELSE 'ACTIVE' END,
    'CREATED',
    '',
    %(now)s,
    %(now)s,
    %(now)s
FROM keys_deviceimportrow
WHERE id = ANY(%(row_ids)b::bigint[])
ORDER BY number
RETURNING mac, id
