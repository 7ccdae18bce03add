-- The next changed rows of a kind of which some clients are told, each at its latest change: the first few of each
-- client by its index, then the first of these; `below` is the mark of foundation/sql/reading_mark.sql.
SELECT DISTINCT ON (found.txid, found.row_id) found.txid::text::bigint AS txid, found.row_id AS number
FROM unnest(%(client_ids)b::bigint[]) AS wanted (client_id)
CROSS JOIN LATERAL (
    SELECT changed.txid, changed.row_id
    FROM outbox_changedrow AS changed
    WHERE changed.kind = %(kind)s
        AND changed.client_id = wanted.client_id
        AND changed.txid < %(below)s::bigint::text::xid8
        AND (changed.txid, changed.row_id) > (%(txid)s::bigint::text::xid8, %(number)s::bigint)
        AND NOT EXISTS (
            SELECT
            FROM outbox_changedrow AS later
            WHERE later.kind = changed.kind
                AND later.row_id = changed.row_id
                AND later.client_id = ANY(%(client_ids)b::bigint[])
                AND later.txid > changed.txid
        )
    ORDER BY changed.txid, changed.row_id
    LIMIT %(limit)s::bigint
) AS found
ORDER BY found.txid, found.row_id
LIMIT %(limit)s::bigint
