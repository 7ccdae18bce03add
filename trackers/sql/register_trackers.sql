-- New trackers, in the order given; those whose MAC or serial is taken are left out, and missing from the answer.
INSERT INTO trackers_tracker (
    mac, serial, firmware, hardware_revision, manufactured_at, state, status, battery, verified_at, created_at, updated_at
)
SELECT
    device.mac,
    device.serial,
    device.firmware,
    device.hardware_revision,
    device.manufactured_at,
    device.state,
    'CREATED',
    '',
    %(now)s::timestamptz,
    %(now)s::timestamptz,
    %(now)s::timestamptz
FROM unnest(
    %(macs)b::text[],
    %(serials)b::text[],
    %(firmwares)b::text[],
    %(hardware_revisions)b::text[],
    %(manufactured_ats)b::timestamptz[],
    %(states)b::text[]
) WITH ORDINALITY AS device (mac, serial, firmware, hardware_revision, manufactured_at, state, number)
ORDER BY device.number
ON CONFLICT DO NOTHING
RETURNING mac, id
