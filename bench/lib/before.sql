-- Before each script: a slot that no other transaction has, and a patient who has no other appointment
-- that day, as load.sql has them in turn. Chosen by the client, so that choosing costs the server
-- nothing. When a client is warm, the CPU time of its backend.
\set n :n + 1
\set i :first + (:client_id * :transactions + :n) * 7919 % (:clients * :transactions)
\set slot :first_slot + :i + :i / 200 * :gap
\set day (:slot - 1) / (500 * :doctors) * 50 + (:slot - 1) % 500 / 10
\set of_day (:slot - 1) / 500 % :doctors * 10 + (:slot - 1) % 10
\set patient 1 + (:day * 10 * :doctors + :of_day) % 100003
\if :n = :warm_up
SELECT cpu() AS cpu \gset
\endif
