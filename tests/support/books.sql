-- The books once more, set by set, written from docs/accounting.md: a check of ops/books, which goes entry by entry.
-- `exported` is a table of JSON: the items of an export of the credits table.

CREATE TABLE entries AS
SELECT
    user_id,
    number,
    type,
    amount,
    debt_change,
    -- What was received earlier and written later belongs to the month of what was written before it.
    substr(max(created_at) OVER (PARTITION BY user_id ORDER BY number), 1, 7) AS month,
    payment_id,
    package,
    money,
    tax,
    currency,
    expires_at,
    moves,
    continued,
    type IN ('purchased', 'granted') OR (type = 'adjusted' AND amount > 0) AS brings_a_lot,
    CASE type
        WHEN 'purchased' THEN 'sold'
        WHEN 'granted' THEN CASE WHEN money <> 0 THEN 'imported' ELSE 'granted' END
        WHEN 'spent' THEN 'used'
        WHEN 'spend_reversed' THEN 'used'
        WHEN 'expired' THEN 'expired'
        WHEN 'refunded' THEN 'refunded'
        WHEN 'refund_reversed' THEN 'refund_returned'
        WHEN 'disputed' THEN 'charged_back'
        WHEN 'dispute_reversed' THEN 'chargeback_returned'
        WHEN 'adjusted' THEN 'corrected'
    END AS movement
FROM (
    SELECT
        item->>'$.user_id.S' AS user_id,
        (item->>'$.number.N')::BIGINT AS number,
        item->>'$.transaction_type.S' AS type,
        (item->>'$.amount.N')::BIGINT AS amount,
        (item->>'$.debt_change.N')::BIGINT AS debt_change,
        item->>'$.created_at.S' AS created_at,
        coalesce(item->>'$.payment_id.S', '') AS payment_id,
        coalesce(item->>'$.package.S', '') AS package,
        coalesce((item->>'$.money_minor.N')::HUGEINT, 0) AS money,
        coalesce((item->>'$.tax_minor.N')::HUGEINT, 0) AS tax,
        coalesce(item->>'$.currency.S', '') AS currency,
        item->>'$.expires_at.S' AS expires_at,
        (item->'$.moves.M')::MAP(VARCHAR, STRUCT(N VARCHAR)) AS moves,
        (item->'$.continued.M')::MAP(VARCHAR, STRUCT(S VARCHAR)) AS continued
    FROM exported
    WHERE starts_with(item->>'$.record.S', 'ENTRY#')
);

CREATE TABLE moves AS
SELECT user_id, number, month, movement, brings_a_lot, lot.key AS lot_id, lot.value.N::BIGINT AS change,
    continued[lot.key].S AS origin_id
FROM (SELECT *, unnest(map_entries(moves)) AS lot FROM entries);

CREATE TABLE lots AS
WITH RECURSIVE
brought AS (
    SELECT m.user_id, m.lot_id, e.amount AS granted, e.money - e.tax AS money,
        CASE WHEN e.money <> 0 THEN e.currency ELSE '' END AS currency, e.package, e.expires_at
    FROM moves m JOIN entries e USING (user_id, number)
    WHERE m.brings_a_lot
),
-- Credits of a lot that has expired come back in a new one, with their share of its money.
known AS (
    SELECT *, false AS is_restored FROM brought
    UNION ALL
    SELECT m.user_id, m.lot_id, m.change, k.money * m.change // k.granted,
        CASE WHEN k.money * m.change // k.granted <> 0 THEN k.currency ELSE '' END, k.package, NULL, true
    FROM known k JOIN moves m ON m.user_id = k.user_id AND m.origin_id = k.lot_id
)
SELECT * FROM known
UNION ALL
SELECT user_id, lot_id, change, 0, '', '', NULL, true
FROM moves m
WHERE origin_id IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM known k WHERE k.user_id = m.user_id AND k.lot_id = m.lot_id);

-- What each lot has left and owes after each of its moves.
CREATE TABLE steps AS
SELECT *, money - money * (granted - left_over) // granted AS owed
FROM (
    SELECT m.*, l.granted, l.money, l.currency, l.package,
        sum(change) OVER lot AS left_over,
        row_number() OVER lot = 1 AS is_first
    FROM moves m JOIN lots l USING (user_id, lot_id)
    WINDOW lot AS (PARTITION BY m.user_id, m.lot_id ORDER BY m.number)
);

CREATE TABLE postings AS
SELECT month, currency, package, movement, sum(credits)::BIGINT AS credits, sum(owed)::BIGINT AS owed
FROM (
    SELECT month, currency, package, movement, granted AS credits, money AS owed FROM steps WHERE is_first
    UNION ALL
    -- What of a new lot paid a debt has been used.
    SELECT month, currency, package, 'used', left_over - granted, owed - money FROM steps WHERE is_first
    UNION ALL
    SELECT month, currency, package, movement, change, owed - owed_before
    FROM (
        SELECT *, lag(owed) OVER (PARTITION BY user_id, lot_id ORDER BY number) AS owed_before FROM steps
    )
    WHERE NOT is_first
)
GROUP BY ALL
HAVING sum(credits) <> 0 OR sum(owed) <> 0;

CREATE TABLE cash AS
WITH payments AS (
    SELECT user_id, payment_id, money AS paid, tax FROM entries WHERE movement = 'sold' AND money <> 0
),
returned AS (
    SELECT e.*, coalesce(p.paid, 0) AS paid, coalesce(p.tax, 0) AS tax_paid,
        greatest(0, -sum(e.money) OVER payment) AS gone,
        greatest(0, e.money - sum(e.money) OVER payment) AS gone_before
    FROM entries e LEFT JOIN payments p USING (user_id, payment_id)
    WHERE e.movement IN ('refunded', 'refund_returned', 'charged_back', 'chargeback_returned') AND e.money <> 0
    WINDOW payment AS (PARTITION BY e.user_id, e.payment_id ORDER BY e.number)
)
SELECT month, currency, package, movement, sum(money)::BIGINT AS money, sum(tax)::BIGINT AS tax
FROM (
    SELECT month, currency, package, movement, money, tax FROM entries WHERE movement = 'sold' AND money <> 0
    UNION ALL
    SELECT month, currency, package, movement, money,
        CASE WHEN paid = 0 THEN 0
        ELSE tax_paid * least(paid, gone_before) // paid - tax_paid * least(paid, gone) // paid END
    FROM returned
)
GROUP BY ALL;

CREATE TABLE stored_lots AS
SELECT DISTINCT item->>'$.user_id.S' AS user_id, item->>'$.lot_id.S' AS lot_id, item->>'$.expires_at.S' AS expires_at
FROM exported
WHERE starts_with(item->>'$.record.S', 'LOT#') OR starts_with(item->>'$.record.S', 'EMPTYLOT#');
