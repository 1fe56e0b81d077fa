\set patient 1 + :client_id * :transactions + :n
\set slot random(:morning, :morning + 99)
\if :n < :warm_up
\set slot :taken
\endif
SELECT ask(:slot, :patient);
