-- In a parallel operation: what is declared safe is so, in a worker too, and the rest is refused, never an
-- internal error, where somebody declares their own function safe that calls it.
\i test/lifecycle.psql
SELECT id FROM booking.book_slot(1, 1);
SELECT proparallel, string_agg(proname, ', ' ORDER BY proname) FROM pg_proc
WHERE pronamespace = 'booking'::regnamespace AND (proparallel <> 'u' OR provolatile <> 'v') GROUP BY 1 ORDER BY 1;
CREATE FUNCTION pg_temp.wrapper(command text) RETURNS text LANGUAGE plpgsql PARALLEL SAFE AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE command INTO answer;
	RETURN answer;
END
$$;
-- a worker runs whatever may run there; by other names in other versions
SELECT count(set_config(name, 'on', true)) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');

-- Who is asking, in a worker
SET request.jwt.claims = '{"patient_id": 1, "clinic_ids": [2]}';
SET ROLE booking_staff;
EXPLAIN (COSTS OFF) SELECT booking.claimed_patient_id(), booking.claimed_clinic_ids();
SELECT booking.claimed_patient_id(), booking.claimed_clinic_ids();
SELECT array_agg(id ORDER BY id) FROM booking.doctors WHERE clinic_id = ANY (booking.claimed_clinic_ids());
SELECT count(*) FROM booking.time_slots WHERE clinic_id = ANY (booking.claimed_clinic_ids());
SET ROLE booking_patient;
SELECT booking.claimed_patient_id(), booking.claimed_clinic_ids();
SELECT id, status FROM booking.bookings;
SELECT name FROM booking.clinics ORDER BY id;
SET request.jwt.claims = 'no JSON';
SELECT sqlstate, rule FROM pg_temp.refusal('SELECT booking.claimed_patient_id()');
RESET ROLE;
SET request.jwt.claims = '';
-- and in a definer function: its owner
CREATE ROLE regress_booking_desk IN ROLE booking_staff;
CREATE FUNCTION public.clinics_of_desk() RETURNS bigint[] LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER AS 'BEGIN RETURN booking.claimed_clinic_ids(); END';
ALTER FUNCTION public.clinics_of_desk OWNER TO regress_booking_desk;
SET request.jwt.claims = '{"patient_id": 1, "clinic_ids": [2]}';
SET ROLE booking_patient;
EXPLAIN (COSTS OFF) SELECT public.clinics_of_desk();
SELECT public.clinics_of_desk(), booking.claimed_clinic_ids();
RESET ROLE;
SET request.jwt.claims = '';

-- What only the leader may run, and what nobody may while workers run
SELECT count(*) FROM booking.available_slots(1);
SELECT count(*) FROM booking.session_slots('2099-06-01', '09:00', '12:00', 'Europe/London', 30);
EXPLAIN (COSTS OFF) SELECT pg_temp.wrapper('SELECT 1');
SELECT call, sqlstate, message FROM unnest(ARRAY['claimed_clinic_ids()', 'session_slots(''2099-06-01'', ''09:00'', ''12:00'', ''Europe/London'', 30)',
	'is_slot_available(1)', 'available_slots(1)', 'next_available()', 'patient_appointments(1)', 'find_patient(''ada@example.org'')', 'visited_clinic_ids()',
	'visited_doctor_ids()', 'refusals()', 'appointment_being_moved()', 'check_booking(2, 1)', 'book_slot(2, 1)', 'hold_slot(2, 1)', 'confirm_hold(1)',
	'cancel_appointment(1)', 'reschedule_appointment(1, 2)', 'set_appointment_status(1, ''arrived'')', 'expire_holds()', 'maintain()', 'read_events(''mail'')',
	'add_clinic(''Baker Street'')', 'set_slot_availability(3, false)', 'generate_slots(''2099-06-01'', ''2099-06-02'')']) call,
	LATERAL pg_temp.refusal(format('SELECT pg_temp.wrapper(%L)', 'SELECT * FROM booking.' || call));
SELECT * FROM slots WHERE slot < 4;
ROLLBACK;
