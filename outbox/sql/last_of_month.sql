-- The last fact of a month in the order of the readers; no row if the month is empty.
SELECT txid::text::bigint AS txid, id AS number
FROM outbox_fact
WHERE recorded_at >= %(since)s::timestamptz AND recorded_at < %(until)s::timestamptz
ORDER BY outbox_fact.txid DESC, outbox_fact.id DESC
LIMIT 1
