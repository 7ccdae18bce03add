-- The next facts of all clients. Below the oldest transaction that still runs nothing will be written any more.
SELECT
    txid::text::bigint AS txid,
    id AS number,
    type,
    subject,
    client_id,
    sequence,
    occurred_at,
    recorded_at,
    data
FROM outbox_fact
WHERE txid < pg_snapshot_xmin(pg_current_snapshot())
    AND (txid, id) > (%(txid)s::bigint::text::xid8, %(number)s::bigint)
ORDER BY outbox_fact.txid, outbox_fact.id
LIMIT %(limit)s::bigint
