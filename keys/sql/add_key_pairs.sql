-- The key pairs of rows that bring their private keys, as devices `first` and following of their fleet's batch, in the
-- order of the file.
INSERT INTO keys_keypair (
    batch_id, device_index, key_index, advertisement_key, hashed_key, mac, sealed_private_key
)
SELECT
    %(batch_id)s,
    %(first)s + row_number() OVER (ORDER BY number) - 1,
    0,
    advertisement_key,
    hashed_key,
    key_mac,
    sealed_private_key
FROM keys_deviceimportrow
WHERE id = ANY(%(row_ids)b::bigint[])
