-- Rows of an import that repeat an earlier row, that have the key of another one, or whose device shares a MAC, a serial
-- or the device in store with another one of the file: the number of that other row, or of the other device's first row,
-- for each; 0 for none. Rows that repeat an earlier one don't count for the rest. Once for each import.
WITH rows AS (
    SELECT
        row.id,
        row.number,
        row.device,
        row.mac,
        row.serial,
        row.hashed_key,
        COALESCE(pair.batch_id || ' ' || pair.device_index, row.hashed_key) AS stored_device,
        min(row.number) OVER (
            PARTITION BY
                row.mac, row.serial, row.hashed_key, row.key_index, row.firmware, row.hardware_revision,
                row.manufactured_at, row.production_run
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
            WHEN mac = '' OR max(device) OVER by_mac = min(device) OVER by_mac THEN 0
            WHEN min(device) OVER by_mac = device THEN max(device) OVER by_mac
            ELSE min(device) OVER by_mac
        END AS other_mac,
        CASE
            WHEN serial = '' OR max(device) OVER by_serial = min(device) OVER by_serial THEN 0
            WHEN min(device) OVER by_serial = device THEN max(device) OVER by_serial
            ELSE min(device) OVER by_serial
        END AS other_serial,
        CASE
            WHEN max(number) OVER by_key <> min(number) OVER by_key THEN
                CASE
                    WHEN min(number) OVER by_key = number THEN max(number) OVER by_key
                    ELSE min(number) OVER by_key
                END
            WHEN max(device) OVER by_stored = min(device) OVER by_stored THEN 0
            WHEN min(device) OVER by_stored = device THEN max(device) OVER by_stored
            ELSE min(device) OVER by_stored
        END AS other_key
    FROM rows
    WINDOW
        by_mac AS (PARTITION BY number = first_number, mac),
        by_serial AS (PARTITION BY number = first_number, serial),
        by_key AS (PARTITION BY number = first_number, hashed_key),
        by_stored AS (PARTITION BY number = first_number, stored_device)
)
SELECT id, same_row, other_mac, other_serial, other_key
FROM compared
WHERE same_row > 0 OR other_mac > 0 OR other_serial > 0 OR other_key > 0
