-- The key pairs of rows that bring their private keys, as devices `first` and following of their fleet's batch, in the
-- order of the file; each device's keys in theirs.
INSERT INTO keys_keypair (
    batch_id, device_index, key_index, advertisement_key, hashed_key, mac, sealed_private_key
)
SELECT
    %(batch_id)s,
    %(first)s + dense_rank() OVER (ORDER BY device) - 1,
    COALESCE(key_index, 0),
    advertisement_key,
    hashed_key,
    key_mac,
    sealed_private_key
FROM keys_deviceimportrow
WHERE id = ANY(%(row_ids)b::bigint[])
