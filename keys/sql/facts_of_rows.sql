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
    run.end_date,
    row.key_mac,
    row.sealed_private_key IS NOT NULL,
    pair.id,
    pair.mac,
    pair.batch_id,
    batch.label,
    batch.state = 'GENERATED',
    batch.keys_per_device,
    batch.manufacturer_id,
    own.mac,
    own.serial,
    own.firmware,
    own.hardware_revision,
    own.manufactured_at,
    mac_owner.id,
    serial_owner.id,
    other.id IS NOT NULL,
    key_mac_owner.id IS NOT NULL
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
