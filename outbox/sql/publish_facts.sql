-- Writes facts in the order in which they are given, each with the next number of its stream.
--
-- The row of a stream stays locked until the transaction ends, so no two transactions give the same number. Streams are
-- locked in the order of their key. `txid` is this transaction's, or that of the latest fact of the stream where that
-- is greater: a transaction that began earlier may get the lock later, and its facts must be read after the others.
-- No reader has gone past either of the two while this transaction lasts. Ids are drawn after all locks are held.
WITH given AS MATERIALIZED (
    SELECT
        ordinality,
        type,
        subject,
        client_id,
        occurred_at,
        data,
        row_number() OVER (PARTITION BY subject, coalesce(client_id, 0) ORDER BY ordinality) AS nth
    FROM unnest(
        %(types)b::text[],
        %(subjects)b::text[],
        %(client_ids)b::bigint[],
        %(occurred_ats)b::timestamptz[],
        %(data)b::text[]
    ) WITH ORDINALITY AS fact (type, subject, client_id, occurred_at, data, ordinality)
),
stream AS (
    INSERT INTO outbox_factstream AS stream (subject, client_id, sequence, txid)
    SELECT subject, coalesce(client_id, 0), count(*), pg_current_xact_id()
    FROM given
    GROUP BY subject, coalesce(client_id, 0)
    ORDER BY subject, coalesce(client_id, 0)
    ON CONFLICT (subject, client_id) DO UPDATE
    SET sequence = stream.sequence + excluded.sequence, txid = greatest(stream.txid, excluded.txid)
    RETURNING stream.subject, stream.client_id, stream.sequence, stream.txid
)
INSERT INTO outbox_fact (type, subject, client_id, sequence, txid, occurred_at, recorded_at, data)
SELECT
    given.type,
    given.subject,
    given.client_id,
    stream.sequence - count(*) OVER (PARTITION BY given.subject, stream.client_id) + given.nth,
    stream.txid,
    given.occurred_at,
    %(now)s::timestamptz,
    given.data::jsonb
FROM given
JOIN stream ON stream.subject = given.subject AND stream.client_id = coalesce(given.client_id, 0)
ORDER BY given.ordinality
