-- The next facts of some clients: the first few of each by its index, then the first of these; `below` is the mark of foundation/sql/reading_mark.sql.
SELECT
    fact.txid::text::bigint AS txid,
    fact.id AS number,
    fact.type,
    fact.subject,
    fact.client_id,
    fact.sequence,
    fact.occurred_at,
    fact.recorded_at,
    fact.data
FROM unnest(%(client_ids)b::bigint[]) AS wanted (client_id)
CROSS JOIN LATERAL (
    SELECT *
    FROM outbox_fact
    WHERE outbox_fact.client_id = wanted.client_id
        AND outbox_fact.txid < %(below)s::bigint::text::xid8
        AND (outbox_fact.txid, outbox_fact.id) > (%(txid)s::bigint::text::xid8, %(number)s::bigint)
    ORDER BY outbox_fact.txid, outbox_fact.id
    LIMIT %(limit)s::bigint
) AS fact
ORDER BY fact.txid, fact.id
LIMIT %(limit)s::bigint
