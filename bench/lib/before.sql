-- Before each script: a slot that no other transaction has, and a patient as load.sql has them in turn,
-- chosen by the client so that choosing costs the server nothing. When a client is warm, the CPU time of
-- its backend.
\set n :n + 1
\set i :first + (:client_id * :transactions + :n) * 7919 % (:clients * :transactions)
\set slot :first_slot + :i + :i / 200 * :gap
\set patient 1 + :slot % 100100
\if :n = :warm_up
SELECT cpu() AS cpu \gset
\endif
