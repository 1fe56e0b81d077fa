
-- After each script: when a client is warm it waits until all are; at the end, what its backend has
-- cost since.
\if :n = :warm_up - 1
SELECT pg_advisory_lock_shared(0, 1), pg_advisory_unlock_shared(0, 1);
\elif :n = :transactions - 1
INSERT INTO cost VALUES (cpu() - :cpu);
\endif
