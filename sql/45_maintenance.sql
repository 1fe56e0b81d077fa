-- Maintenance: what has to be done again and again, by a scheduler that calls one function.

-- Only appointments with a key are in it: the others' bookings do not pay for it.
CREATE INDEX idempotency_keys_by_age ON booking.appointments (clinic_id, created_at)
	WHERE idempotency_key IS NOT NULL;

-- What the retention of maintain() goes by. The first also serves the foreign key, which looks for
-- the appointments of a slot that is deleted, whatever their status.
CREATE INDEX appointments_of_a_slot ON booking.appointments (slot_id);
CREATE INDEX removed_slots_by_start ON booking.time_slots (starts_at) WHERE deleted_at IS NOT NULL;

-- How far the slots of each doctor have been generated. No foreign key: it is made again.
CREATE TABLE booking.generated_doctors (
	doctor_id bigint PRIMARY KEY,
	until_date date NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE booking.generated_doctors IS 'How far maintain() has generated the slots of each doctor.

add_schedule deletes the row, so that the new hours are generated from today on.';
COMMENT ON COLUMN booking.generated_doctors.doctor_id IS 'The doctor.';
COMMENT ON COLUMN booking.generated_doctors.until_date IS 'The last local date of the clinic that maintain() has generated.';
COMMENT ON COLUMN booking.generated_doctors.created_at IS 'When maintain() first generated for the doctor.';
COMMENT ON COLUMN booking.generated_doctors.updated_at IS 'When it last did; kept by a trigger.';

CREATE TABLE booking.maintenance (
	task text PRIMARY KEY,
	rows_done bigint NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE booking.maintenance IS 'When each task of maintain() was last done.';
COMMENT ON COLUMN booking.maintenance.task IS 'The task, as maintain() names it.';
COMMENT ON COLUMN booking.maintenance.rows_done IS 'What it did then, in rows.';
COMMENT ON COLUMN booking.maintenance.created_at IS 'When it was done first.';
COMMENT ON COLUMN booking.maintenance.updated_at IS 'When it was done last; kept by a trigger.';

CREATE TABLE booking.clinic_figures (
	clinic_id bigint PRIMARY KEY,
	free_1_day bigint NOT NULL,
	free_7_days bigint NOT NULL,
	taken_7_days bigint NOT NULL,
	offered_28_days bigint NOT NULL,
	taken_28_days bigint NOT NULL,
	fulfilled_28_days bigint NOT NULL,
	noshow_28_days bigint NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE booking.clinic_figures IS 'Figures of each active clinic as maintain() last counted them, for the view metrics.

Days are of 24 hours.';
COMMENT ON COLUMN booking.clinic_figures.clinic_id IS 'The clinic.';
COMMENT ON COLUMN booking.clinic_figures.free_1_day IS 'Free slots that start within a day, of doctors who take bookings.';
COMMENT ON COLUMN booking.clinic_figures.free_7_days IS 'The same within 7 days.';
COMMENT ON COLUMN booking.clinic_figures.taken_7_days IS 'Slots that start within 7 days and have an appointment.';
COMMENT ON COLUMN booking.clinic_figures.offered_28_days IS 'Slots that started in the last 28 days and were taken or left free, not withdrawn.';
COMMENT ON COLUMN booking.clinic_figures.taken_28_days IS 'Those of them that had an appointment.';
COMMENT ON COLUMN booking.clinic_figures.fulfilled_28_days IS 'Those of them whose appointment was fulfilled.';
COMMENT ON COLUMN booking.clinic_figures.noshow_28_days IS 'Those of them whose patient did not come.';
COMMENT ON COLUMN booking.clinic_figures.created_at IS 'When the clinic was first measured.';
COMMENT ON COLUMN booking.clinic_figures.updated_at IS 'When the figures were counted; kept by a trigger.';

CREATE FUNCTION booking.maintain(max_rows int DEFAULT 10000, horizon interval DEFAULT '90 days',
								 retention interval DEFAULT NULL)
	RETURNS TABLE (task text, rows bigint)
	LANGUAGE C ROWS 5
	AS 'MODULE_PATHNAME', 'booking_maintain';
COMMENT ON FUNCTION booking.maintain IS
	'One round of maintenance, for a scheduler to call every minute.

A row a task with the number of rows it dealt with, at most about max_rows (1 to 100000) each. measure_clinics: clinics whose figures for the view metrics were older than 5 minutes; generate_slots: slots added, up to each clinic''s booking_horizon, or, where it has none, to horizon (1 day to 5 years) from its today; forget_keys: idempotency keys older than their clinic''s idempotency_retention; delete_old: slots that ended longer than retention (30 days to 100 years, no part of it negative) ago, with all their appointments and events, of whatever status; not done, and no row, when retention is null; expire_holds: expired holds cancelled. rows is null where another call is at the task, or it failed, which a WARNING tells; the other tasks go on. Never waits for a booking. Errors: PT400 a value missing; PT422 out of range; 42501 the caller is no administrator.';
