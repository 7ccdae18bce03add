-- The next facts of all clients; `below` is the mark of foundation/sql/reading_mark.sql.
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
WHERE txid < %(below)s::bigint::text::xid8
    AND (txid, id) > (%(txid)s::bigint::text::xid8, %(number)s::bigint)
ORDER BY outbox_fact.txid, outbox_fact.id
LIMIT %(limit)s::bigint
