-- book_slot as it is written well in PL/pgSQL: the same request, rights, facts, rules, order of
-- locks, second look, writes and answer; each statement kept prepared by the language.
CREATE SCHEMA rival;
GRANT USAGE, CREATE ON SCHEMA rival TO booking_owner;

CREATE FUNCTION rival.book_slot(slot_id bigint, patient_id bigint DEFAULT NULL, idempotency_key text DEFAULT NULL)
	RETURNS booking.appointments
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
#variable_conflict use_column
DECLARE
	-- who called, outside this function, and who they say they are
	caller name := coalesce(nullif(current_setting('role'), 'none'), session_user);
	claims jsonb := nullif(current_setting('request.jwt.claims', true), '');
	is_admin boolean := pg_has_role(caller, 'booking_admin', 'USAGE');
	patient bigint := coalesce(book_slot.patient_id, (claims ->> 'patient_id')::bigint);
	asked_at timestamptz;
	glance record;
	fact record;
	clinic_rule text;
	refusal text;
	appointment booking.appointments;
BEGIN
	IF slot_id IS NULL OR patient IS NULL THEN
		RAISE 'slot_id or patient_id is missing' USING ERRCODE = 'PT400', CONSTRAINT = 'argument_is_given';
	END IF;
	IF length(idempotency_key) NOT BETWEEN 1 AND 255 THEN
		RAISE 'the idempotency key does not have 1 to 255 characters'
			USING ERRCODE = 'PT400', CONSTRAINT = 'idempotency_key_has_1_to_255_characters';
	END IF;

	-- the first look is without a lock, and at the slot alone, if that looks free
	SELECT s.doctor_id, s.is_available AND s.starts_at > clock_timestamp()
			AND (a.id IS NULL OR a.status = 'pending'
				 AND (a.hold_expires_at <= clock_timestamp() OR a.patient_id = patient)) AS looks_free
		INTO glance
		FROM booking.time_slots s LEFT JOIN booking.appointments a ON a.slot_id = s.id
			AND a.status IN ('pending', 'booked', 'arrived', 'checked-in', 'fulfilled', 'noshow')
		WHERE s.id = book_slot.slot_id AND s.deleted_at IS NULL;
	IF glance.looks_free THEN
		PERFORM pg_advisory_xact_lock(4 * slot_id), pg_advisory_xact_lock(4 * patient + 1),
			pg_advisory_xact_lock_shared(4 * glance.doctor_id + 2);
	END IF;

	FOR look IN CASE WHEN glance.looks_free THEN 2 ELSE 1 END..2 LOOP
		asked_at := clock_timestamp();
		SELECT s.clinic_id, s.doctor_id, s.starts_at, s.ends_at, s.is_available,
			c.name AS clinic, c.time_zone,
			c.is_active AND c.deleted_at IS NULL AS clinic_is_active,
			asked_at + c.min_notice AS earliest_start,
			asked_at + c.booking_horizon AS latest_start,
			d.name AS doctor, d.is_active AND d.deleted_at IS NULL AS doctor_is_active,
			p.is_active AS patient_is_active,
			NOT c.allow_patient_overlap AND EXISTS (
				SELECT FROM booking.appointments e
				WHERE e.patient_id = patient AND e.slot_id <> s.id
					AND e.starts_at < s.ends_at AND e.ends_at > s.starts_at
					AND e.starts_at > s.starts_at - interval '8 hours'
					AND e.status IN ('pending', 'booked', 'arrived', 'checked-in', 'fulfilled', 'noshow')
					AND (e.status <> 'pending' OR e.hold_expires_at > asked_at)) AS patient_is_elsewhere,
			a.id AS occupant, a.status = 'pending' AND a.hold_expires_at <= asked_at AS hold_is_over,
			a.status = 'pending' AND a.patient_id = patient AS is_own_hold,
			EXISTS (SELECT FROM booking.rules r WHERE r.deleted_at IS NULL) AS has_rules
			INTO fact
			FROM (SELECT) AS request
				LEFT JOIN booking.time_slots s ON s.id = book_slot.slot_id AND s.deleted_at IS NULL
				LEFT JOIN booking.clinics c ON c.id = s.clinic_id
				LEFT JOIN booking.doctors d ON d.id = s.doctor_id
				LEFT JOIN booking.patients p ON p.id = patient AND p.deleted_at IS NULL
				LEFT JOIN booking.appointments a ON a.slot_id = s.id
					AND a.status IN ('pending', 'booked', 'arrived', 'checked-in', 'fulfilled', 'noshow');

		IF NOT is_admin AND fact.clinic_id IS NOT NULL
			AND (patient = (claims ->> 'patient_id')::bigint AND pg_has_role(caller, 'booking_patient', 'USAGE')
				 OR claims -> 'clinic_ids' @> to_jsonb(fact.clinic_id) AND pg_has_role(caller, 'booking_staff', 'USAGE')) IS NOT TRUE THEN
			RAISE 'you are not allowed to book for this patient' USING ERRCODE = '42501', CONSTRAINT = 'caller_is_allowed';
		END IF;
		IF idempotency_key IS NOT NULL THEN
			SELECT * INTO appointment FROM booking.appointments a
				WHERE a.patient_id = patient AND a.idempotency_key = book_slot.idempotency_key;
			IF FOUND AND appointment.status <> 'pending' THEN
				RETURN appointment;
			END IF;
		END IF;

		IF fact.clinic_id IS NULL THEN
			RAISE 'there is no time slot %', slot_id USING ERRCODE = 'PT404', CONSTRAINT = 'slot_exists';
		ELSIF fact.occupant IS NOT NULL AND NOT fact.hold_is_over AND NOT fact.is_own_hold THEN
			RAISE 'time slot % is already booked', slot_id
				USING ERRCODE = 'PT409', CONSTRAINT = 'slot_not_booked',
					DETAIL = format('rule slot_not_booked: %s at %s, %s (%s).', fact.doctor, fact.clinic,
									fact.starts_at AT TIME ZONE fact.time_zone, fact.time_zone),
					HINT = format('Choose a free slot: booking.available_slots(doctor_id => %s).', fact.doctor_id);
		ELSIF NOT fact.is_available AND fact.is_own_hold IS NOT TRUE THEN
			RAISE 'time slot % was withdrawn by the clinic', slot_id USING ERRCODE = 'PT409', CONSTRAINT = 'slot_available';
		ELSIF fact.starts_at <= asked_at THEN
			RAISE 'time slot % has already started', slot_id USING ERRCODE = 'PT422', CONSTRAINT = 'slot_not_past';
		ELSIF NOT fact.clinic_is_active THEN
			RAISE 'clinic % takes no bookings', fact.clinic_id USING ERRCODE = 'PT409', CONSTRAINT = 'clinic_active';
		ELSIF NOT fact.doctor_is_active THEN
			RAISE 'doctor % takes no bookings', fact.doctor_id USING ERRCODE = 'PT409', CONSTRAINT = 'doctor_active';
		ELSIF fact.patient_is_active IS NULL THEN
			RAISE 'there is no such patient' USING ERRCODE = 'PT404', CONSTRAINT = 'patient_exists';
		ELSIF NOT fact.patient_is_active THEN
			RAISE 'the patient is inactive' USING ERRCODE = 'PT409', CONSTRAINT = 'patient_active';
		ELSIF fact.starts_at < fact.earliest_start THEN
			RAISE 'it is too late to book time slot %', slot_id USING ERRCODE = 'PT422', CONSTRAINT = 'within_notice';
		ELSIF fact.starts_at > fact.latest_start THEN
			RAISE 'it is too early to book time slot %', slot_id USING ERRCODE = 'PT422', CONSTRAINT = 'within_horizon';
		ELSIF fact.patient_is_elsewhere THEN
			RAISE 'the patient has another appointment during time slot %', slot_id
				USING ERRCODE = 'PT409', CONSTRAINT = 'patient_not_double_booked';
		END IF;
		IF fact.has_rules THEN
			FOR clinic_rule IN
				SELECT check_function FROM booking.rules r
				WHERE r.deleted_at IS NULL AND (r.clinic_id IS NULL OR r.clinic_id = fact.clinic_id)
				ORDER BY r.position, r.name
			LOOP
				EXECUTE format('SELECT %s(s, p) FROM booking.time_slots s, booking.patients p WHERE s.id = $1 AND p.id = $2',
							   clinic_rule) INTO refusal USING slot_id, patient;
				IF refusal IS NOT NULL THEN
					RAISE '%', refusal USING ERRCODE = 'PT422';
				END IF;
			END LOOP;
		END IF;

		-- what was found without a lock is looked at again under these
		IF look = 1 THEN
			PERFORM pg_advisory_xact_lock(4 * slot_id), pg_advisory_xact_lock(4 * patient + 1),
				pg_advisory_xact_lock_shared(4 * fact.doctor_id + 2);
		END IF;
	END LOOP;

	IF fact.occupant IS NOT NULL THEN
		UPDATE booking.appointments a SET status = 'cancelled' WHERE a.id = fact.occupant;
	END IF;
	WITH slot AS (
		UPDATE booking.time_slots s SET is_available = false, held_until = NULL, updated_at = now()
		WHERE s.id = book_slot.slot_id AND s.is_available AND s.deleted_at IS NULL
			AND s.starts_at = fact.starts_at AND s.ends_at = fact.ends_at
		RETURNING s.id, s.clinic_id, s.doctor_id, s.starts_at, s.ends_at),
	made AS (
		INSERT INTO booking.appointments
			(slot_id, patient_id, clinic_id, doctor_id, starts_at, ends_at, status, booked_at, idempotency_key)
		SELECT id, patient, clinic_id, doctor_id, starts_at, ends_at, 'booked', now(), book_slot.idempotency_key
		FROM slot
		RETURNING *),
	event AS (
		INSERT INTO booking.appointment_events (appointment_id, slot_id, to_status, actor_role, actor)
		SELECT id, slot_id, status, caller, coalesce(claims ->> 'sub', claims ->> 'patient_id') FROM made)
	SELECT * INTO appointment FROM made;
	IF NOT FOUND THEN
		RAISE 'time slot % could not be booked', slot_id USING ERRCODE = 'PT409', CONSTRAINT = 'slot_not_booked';
	END IF;
	RETURN appointment;
END
$$;
ALTER FUNCTION rival.book_slot(bigint, bigint, text) OWNER TO booking_owner;
