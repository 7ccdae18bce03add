-- What is stored of the keys, MACs and serials of rows `first` to `last` of an import, for keys/imports/verdicts.py.
-- All lookups are by unique indexes.
SELECT
    row.id,
    row.number,
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
    pair.id AS pair_id,
    pair.mac AS pair_mac,
    pair.batch_id,
    batch.label AS batch_label,
    batch.state = 'GENERATED' AS batch_generated,
    batch.keys_per_device,
    batch.manufacturer_id,
    own.mac AS own_mac,
    own.serial AS own_serial,
    own.firmware AS own_firmware,
    own.hardware_revision AS own_hardware_revision,
    own.manufactured_at AS own_manufactured_at,
    mac_owner.id AS mac_owner,
    serial_owner.id AS serial_owner,
    other.id IS NOT NULL AS mac_of_other_device,
    key_mac_owner.id IS NOT NULL AS key_mac_taken
FROM keys_deviceimportrow AS row
LEFT JOIN clients_productionrun AS run ON run.id = row.run_id
LEFT JOIN keys_keypair AS pair ON pair.hashed_key = row.hashed_key
LEFT JOIN keys_keybatch AS batch ON batch.id = pair.batch_id
LEFT JOIN trackers_tracker AS own ON own.id = pair.tracker_id
LEFT JOIN trackers_tracker AS mac_owner ON mac_owner.mac = row.mac
LEFT JOIN trackers_tracker AS serial_owner ON serial_owner.serial = row.serial
LEFT JOIN keys_keypair AS other ON other.mac = row.mac
    AND (other.batch_id, other.device_index) IS DISTINCT FROM (pair.batch_id, pair.device_index)
LEFT JOIN keys_keypair AS key_mac_owner ON pair.id IS NULL
    AND row.sealed_private_key IS NOT NULL
    AND key_mac_owner.mac = row.key_mac
WHERE row.device_import_id = %(import_id)s
    AND row.outcome = %(outcome)s
    AND row.number BETWEEN %(first)s AND %(last)s
ORDER BY row.number
