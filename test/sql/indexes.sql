-- What the functions find by an index, without a statement, they find whatever is done to the
-- tables in the meantime; and they refuse to work where the index is gone.
\i test/begin.psql
\set ON_ERROR_STOP off
SELECT FROM booking.add_clinic('Harley Street', 'Harley Street 1', 'Europe/London');
SELECT FROM booking.add_doctor(1, 'Dr Grace Hopper');
SELECT FROM booking.add_patient('Ada Lovelace', 'ada@example.org');
SELECT FROM booking.add_patient('Alan Turing', 'alan@example.org');
SELECT FROM booking.add_time_slots(1, '2099-06-01', '09:00', '12:00', 30);
SELECT id, patient_id FROM booking.book_slot(1, 1);

-- another column, in another place
ALTER TABLE booking.time_slots ADD COLUMN room text, ADD COLUMN floor int DEFAULT 3;
ALTER TABLE booking.appointments ADD COLUMN note text DEFAULT 'none';
SELECT id, patient_id FROM booking.book_slot(2, 1);
SELECT id, note FROM booking.appointments ORDER BY id;
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.book_slot(2, 2)');

-- indexes built anew
REINDEX TABLE booking.appointments;
REINDEX TABLE booking.time_slots;
SELECT id, patient_id FROM booking.book_slot(3, 1);
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.book_slot(3, 2)');
SELECT sqlstate, rule FROM pg_temp.refusal($$INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at) SELECT 1, 1, '2099-06-01 08:15', '2099-06-01 08:45'$$);

-- without the index that says whether a slot is taken, nothing is booked
SAVEPOINT whole;
DROP INDEX booking.unique_timeslot;
SELECT booking.book_slot(4, 1);
SELECT booking.check_booking(4, 1);
SELECT count(*) FROM booking.appointments;
ROLLBACK TO whole;
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'booking.unique_timeslot'::regclass;
ALTER TABLE booking.appointments ALTER COLUMN note SET DEFAULT 'noted';
SELECT booking.book_slot(4, 1);
REINDEX INDEX booking.unique_timeslot;
SELECT id, patient_id, note FROM booking.book_slot(4, 1);

-- nor by an index that only has its name
ROLLBACK TO whole;
DROP INDEX booking.unique_timeslot;
SAVEPOINT unindexed;
CREATE INDEX unique_timeslot ON booking.clinics (id);
SELECT booking.book_slot(4, 1);
ROLLBACK TO unindexed;
CREATE INDEX unique_timeslot ON booking.appointments USING brin (slot_id);
SELECT booking.book_slot(4, 1);

-- nor a slot made without the one that shows a doctor's other slots
ROLLBACK TO whole;
DROP INDEX booking.doctor_slots_start_once;
INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at) VALUES (1, 1, '2099-06-02 08:15', '2099-06-02 08:45');
SELECT booking.add_time_slots(1, '2099-06-02', '09:00', '12:00', 30);
ROLLBACK TO whole;
SELECT id, patient_id FROM booking.book_slot(4, 1);

-- What REINDEX CONCURRENTLY leaves behind when it is cut short is as strict as the index, under another name.
INSERT INTO booking.rules (name, check_function) VALUES ('passes', 'nothing');
CREATE FUNCTION pg_temp.beside(index text, suffix text, command text, OUT sqlstate text, OUT rule text, OUT follows_contract boolean) LANGUAGE plpgsql AS $$
DECLARE
	definition text := pg_get_indexdef(('booking.' || index)::regclass);
	answer record;
BEGIN
	-- which of the two is asked first, goes by their age
	answer := pg_temp.trial(format('ALTER INDEX booking.%I RENAME TO %I; %s; %s', index, index || suffix, definition, command));
	sqlstate := answer.sqlstate; rule := answer.rule; follows_contract := answer.follows_contract;
END
$$;
CREATE FUNCTION public.regress_passes(slot booking.time_slots, patient booking.patients) RETURNS text LANGUAGE sql RETURN NULL;
SELECT index, suffix, r.*
FROM (VALUES (1, 'clinic_name_is_unique', 'SELECT booking.add_clinic(''Harley Street'')'),
		(2, 'patient_email_is_unique', 'SELECT booking.add_patient(''Another'', ''ADA@example.org'')'),
		(3, 'rule_name_is_unique_in_its_clinic', 'SELECT booking.add_rule(''passes'', ''public.regress_passes(booking.time_slots, booking.patients)'')')) i(n, index, command),
	unnest('{_ccold,_ccnew,_ccnew1,_ccold12,_ccnewer}'::text[]) WITH ORDINALITY AS s(suffix, m),
	pg_temp.beside(index, suffix, command) r
ORDER BY n, m;
ROLLBACK;
