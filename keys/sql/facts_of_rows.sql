-- What is stored of the keys, MACs and serials of the devices `first` to `last` of an import, for keys/imports/facts.py:
-- its rows device by device, each device's in the order of its keys. All lookups are by unique indexes, but for the
-- device's rejected rows, which `device_import_row_device` has.
SELECT
    row.id,
    row.number,
    row.device,
    row.key_index,
    row.is_native,
    row.mac,
    row.serial,
    row.firmware,
    row.hardware_revision,
    row.manufactured_at,
    row.production_run,
    row.run_id,
    run.end_date AS run_end_date,
    row.key_mac,
    row.sealed_private_key IS NOT NULL AS brings_private_key,
    (
        SELECT min(sibling.number)
        FROM keys_deviceimportrow AS sibling
        WHERE sibling.device_import_id = row.device_import_id
            AND sibling.outcome = 'REJECTED'
            AND sibling.device = row.device
            AND sibling.problems->0->>'code' <> 'duplicate_row'
    ) AS rejected_sibling,
    pair.id AS pair_id,
    pair.mac AS pair_mac,
    pair.key_index AS pair_key_index,
    pair.device_index AS pair_device,
    pair.batch_id,
    batch.label AS batch_label,
    batch.state = 'GENERATED' AS batch_generated,
    batch.manufacturer_id,
    own.mac AS own_mac,
    own.serial AS own_serial,
    own.firmware AS own_firmware,
    own.hardware_revision AS own_hardware_revision,
    own.manufactured_at AS own_manufactured_at,
    mac_owner.id AS mac_owner,
    serial_owner.id AS serial_owner,
    COALESCE(implying.batch_id = pair.batch_id AND implying.device_index = pair.device_index, false)
        AS device_implies_mac,
    implying.id IS NOT NULL
        AND (implying.batch_id, implying.device_index) IS DISTINCT FROM (pair.batch_id, pair.device_index)
        AS mac_of_other_device,
    key_mac_owner.id IS NOT NULL AS key_mac_taken
FROM keys_deviceimportrow AS row
LEFT JOIN clients_productionrun AS run ON run.id = row.run_id
LEFT JOIN keys_keypair AS pair ON pair.hashed_key = row.hashed_key
LEFT JOIN keys_keybatch AS batch ON batch.id = pair.batch_id
LEFT JOIN trackers_tracker AS own ON own.id = pair.tracker_id
LEFT JOIN trackers_tracker AS mac_owner ON mac_owner.mac = row.mac
LEFT JOIN trackers_tracker AS serial_owner ON serial_owner.serial = row.serial
LEFT JOIN keys_keypair AS implying ON implying.mac = row.mac
LEFT JOIN keys_keypair AS key_mac_owner ON pair.id IS NULL
    AND row.sealed_private_key IS NOT NULL
    AND key_mac_owner.mac = row.key_mac
WHERE row.device_import_id = %(import_id)s
    AND row.outcome = %(outcome)s
    AND row.device BETWEEN %(first)s AND %(last)s
ORDER BY row.device, row.key_index NULLS FIRST, row.number
