-- All key pairs of the devices of these rows get their tracker, and the import that they came by.
UPDATE keys_keypair AS pair
SET tracker_id = registered.tracker_id, device_import_id = row.device_import_id
FROM unnest(%(row_ids)b::bigint[], %(tracker_ids)b::bigint[]) AS registered (row_id, tracker_id)
JOIN keys_deviceimportrow AS row ON row.id = registered.row_id
JOIN keys_keypair AS named ON named.hashed_key = row.hashed_key
WHERE pair.batch_id = named.batch_id AND pair.device_index = named.device_index
