-- The mark below which no transaction of this database still runs: nothing will be written there any more. Transactions
-- of the server's other databases can't write here; those that can't be told apart count as this one's. Beside it the
-- number that no transaction has reached yet.
-- A snapshot does not list its own transaction, which still runs as well; without a number it is null, and left out.
SELECT
    least(coalesce(
        (
            SELECT min(running.txid::text::bigint)
            FROM pg_snapshot_xip(pg_current_snapshot()) AS running (txid)
            WHERE NOT EXISTS (
                SELECT
                FROM pg_stat_activity AS elsewhere
                WHERE elsewhere.backend_xid = (running.txid::text::bigint %% 4294967296)::text::xid
                    AND elsewhere.datname <> current_database()
            )
        ),
        pg_snapshot_xmax(pg_current_snapshot())::text::bigint
    ), pg_current_xact_id_if_assigned()::text::bigint) AS below,
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS ahead
