-- The next changed rows of a kind, whoever is told of them, each at its latest change; `below` is the mark of
-- foundation/sql/reading_mark.sql.
SELECT DISTINCT ON (changed.txid, changed.row_id) changed.txid::text::bigint AS txid, changed.row_id AS number
FROM outbox_changedrow AS changed
WHERE changed.kind = %(kind)s
    AND changed.txid < %(below)s::bigint::text::xid8
    AND (changed.txid, changed.row_id) > (%(txid)s::bigint::text::xid8, %(number)s::bigint)
    AND NOT EXISTS (
        SELECT
        FROM outbox_changedrow AS later
        WHERE later.kind = changed.kind AND later.row_id = changed.row_id AND later.txid > changed.txid
    )
ORDER BY changed.txid, changed.row_id
LIMIT %(limit)s::bigint
