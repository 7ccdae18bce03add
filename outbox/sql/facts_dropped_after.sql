-- Whether facts after a position went with the month that they were in.
SELECT EXISTS (
    SELECT FROM outbox_droppedmonth WHERE (last_txid, last_id) > (%(txid)s::bigint, %(number)s::bigint)
)
