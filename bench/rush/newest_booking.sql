\set patient 1 + :client_id * :transactions + :n
SELECT ask((SELECT slot_id FROM newest), :patient);
