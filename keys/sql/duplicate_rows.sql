-- Rows of an import that repeat an earlier row, or share a MAC, a serial or a device with another one: the number of
-- that other row for each, 0 for none. Rows that repeat an earlier one don't count for the rest. Once for each import.
WITH rows AS (
    SELECT
        row.id,
        row.number,
        row.mac,
        row.serial,
        COALESCE(pair.batch_id || ' ' || pair.device_index, row.hashed_key) AS device,
        min(row.number) OVER (
            PARTITION BY
                row.mac, row.serial, row.hashed_key, row.firmware, row.hardware_revision, row.manufactured_at,
                row.production_run
        ) AS first_number
    FROM keys_deviceimportrow AS row
    LEFT JOIN keys_keypair AS pair ON pair.hashed_key = row.hashed_key
    WHERE row.device_import_id = %(import_id)s AND row.outcome = 'PENDING'
),
compared AS (
    SELECT
        id,
        CASE WHEN number = first_number THEN 0 ELSE first_number END AS same_row,
        CASE
            WHEN max(number) OVER by_mac = min(number) OVER by_mac THEN 0
            WHEN min(number) OVER by_mac = number THEN max(number) OVER by_mac
            ELSE min(number) OVER by_mac
        END AS other_mac,
        CASE
            WHEN serial = '' OR max(number) OVER by_serial = min(number) OVER by_serial THEN 0
            WHEN min(number) OVER by_serial = number THEN max(number) OVER by_serial
            ELSE min(number) OVER by_serial
        END AS other_serial,
        CASE
            WHEN max(number) OVER by_device = min(number) OVER by_device THEN 0
            WHEN min(number) OVER by_device = number THEN max(number) OVER by_device
            ELSE min(number) OVER by_device
        END AS other_key
    FROM rows
    WINDOW
        by_mac AS (PARTITION BY number = first_number, mac),
        by_serial AS (PARTITION BY number = first_number, serial),
        by_device AS (PARTITION BY number = first_number, device)
)
SELECT id, same_row, other_mac, other_serial, other_key
FROM compared
WHERE same_row > 0 OR other_mac > 0 OR other_serial > 0 OR other_key > 0
