-- What can be put on the tables from PostgreSQL 18 on; before, what comes nearest: the answers are the same.
\i test/begin.psql
\set ON_ERROR_STOP off
SELECT FROM booking.add_clinic('Harley Street', 'Harley Street 1', 'Europe/London');
SELECT FROM booking.add_doctor(1, 'Dr Grace Hopper');
SELECT FROM booking.add_patient('Ada Lovelace', 'ada@example.org');
SELECT FROM booking.add_patient('Alan Turing', 'alan@example.org');
SELECT FROM booking.add_time_slots(1, '2099-06-01', '09:00', '17:00', 30);
SELECT status FROM booking.book_slot(1, 1);
CREATE FUNCTION pg_temp.run(newer text, older text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE CASE WHEN current_setting('server_version_num')::int >= 180000 THEN newer ELSE older END;
END
$$;
SAVEPOINT whole;

-- CHECK constraints, one of which is not enforced
SELECT pg_temp.run('ALTER TABLE booking.appointments ADD CONSTRAINT nobody CHECK (patient_id < 0) NOT ENFORCED', 'SELECT');
SELECT pg_temp.run('ALTER TABLE booking.time_slots ADD CONSTRAINT nothing CHECK (id < 0) NOT ENFORCED', 'SELECT');
ALTER TABLE booking.appointments ADD CONSTRAINT only_ada CHECK (patient_id = 1);
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.book_slot(2, 2)');
SELECT status FROM booking.book_slot(2, 1);
SELECT status FROM booking.book_slot(3, 1);
ROLLBACK TO whole;

-- columns that are computed when they are read, and what is said of them
SELECT pg_temp.run('ALTER TABLE booking.appointments ADD COLUMN twice bigint GENERATED ALWAYS AS (patient_id * 2) VIRTUAL',
	'ALTER TABLE booking.appointments ADD COLUMN twice bigint GENERATED ALWAYS AS (patient_id * 2) STORED');
SELECT status, twice FROM booking.book_slot(2, 2);
SELECT patient_id, twice FROM booking.appointments ORDER BY id;
ALTER TABLE booking.appointments ADD CONSTRAINT only_two CHECK (twice = 4) NOT VALID;
SELECT status, twice FROM booking.book_slot(3, 2);
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.book_slot(4, 1)');
SELECT pg_temp.run('ALTER TABLE booking.time_slots ADD COLUMN twice bigint GENERATED ALWAYS AS (id * 2) VIRTUAL NOT NULL',
	'ALTER TABLE booking.time_slots ADD COLUMN twice bigint GENERATED ALWAYS AS (id * 2) STORED NOT NULL');
ALTER TABLE booking.time_slots ADD CONSTRAINT not_five CHECK (twice <> 10) NOT VALID;
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.book_slot(5, 2)');
SELECT status, twice FROM booking.book_slot(6, 2);
ROLLBACK TO whole;

-- keys and foreign keys of periods
ALTER TABLE booking.appointments ADD COLUMN during tstzrange NOT NULL DEFAULT '[2099-01-01, 2100-01-01)';
SELECT pg_temp.run('ALTER TABLE booking.appointments ADD CONSTRAINT once UNIQUE (patient_id, during WITHOUT OVERLAPS)',
	'ALTER TABLE booking.appointments ADD CONSTRAINT once EXCLUDE USING gist (patient_id WITH =, during WITH &&)');
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.book_slot(2, 1)');
SELECT status FROM booking.book_slot(2, 2);
ALTER TABLE booking.appointments DROP CONSTRAINT once;
CREATE TABLE public.members (id bigint, during tstzrange NOT NULL DEFAULT '[2000-01-01, 2200-01-01)');
GRANT SELECT, UPDATE, REFERENCES ON public.members TO booking_owner;
SELECT pg_temp.run('ALTER TABLE public.members ADD PRIMARY KEY (id, during WITHOUT OVERLAPS)', 'ALTER TABLE public.members ADD PRIMARY KEY (id)');
INSERT INTO public.members VALUES (1), (2);
SELECT pg_temp.run('ALTER TABLE booking.appointments ADD CONSTRAINT is_member FOREIGN KEY (patient_id, PERIOD during) REFERENCES public.members (id, PERIOD during)',
	'ALTER TABLE booking.appointments ADD CONSTRAINT is_member FOREIGN KEY (patient_id) REFERENCES public.members (id)');
SELECT FROM booking.add_patient('Barbara Liskov', 'barbara@example.org');
SELECT sqlstate FROM pg_temp.refusal('SELECT booking.book_slot(3, 3)');
SELECT status FROM booking.book_slot(3, 2);
ROLLBACK TO whole;
ROLLBACK;
