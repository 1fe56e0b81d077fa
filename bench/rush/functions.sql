-- What a rush needs besides pgbench, which stops at the first error.

-- An answer of book_slot, as a word; the subtransaction is charged to the extension.
CREATE FUNCTION ask(slot bigint, patient bigint) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	appointment booking.appointments;
BEGIN
	appointment := booking.book_slot(slot, patient);
	RETURN 'booked';
EXCEPTION WHEN SQLSTATE 'PT409' THEN
	RETURN 'refused';
END
$$;

-- Opens the next slot and publishes it: a doctor's who has none else.
INSERT INTO booking.doctors (id, clinic_id, name) VALUES (100000, 1, 'Doctor in demand');
CREATE TABLE newest (slot_id bigint);
INSERT INTO newest VALUES (0);
CREATE SEQUENCE opened;
CREATE FUNCTION open_slot() RETURNS void LANGUAGE sql AS
$$
	WITH slot AS (
		INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at)
		SELECT 1, 100000, at, at + interval '10 minutes'
		FROM (SELECT timestamptz '2090-01-01' + nextval('opened') * interval '10 minutes' AS at) AS t
		RETURNING id)
	UPDATE newest SET slot_id = id FROM slot
$$;

-- Opens the next morning: a hundred slots, whose first this returns.
CREATE FUNCTION open_morning() RETURNS bigint LANGUAGE sql AS
$$
	WITH slot AS (
		INSERT INTO booking.time_slots (clinic_id, doctor_id, starts_at, ends_at)
		SELECT 1, 100000, at, at + interval '10 minutes'
		FROM (SELECT timestamptz '2090-01-01' + nextval('opened') * interval '10 minutes' AS at
			  FROM generate_series(1, 100)) AS t
		RETURNING id)
	SELECT min(id) FROM slot
$$;

-- Bytes that the refused wrote: what is not of transactions that inserted something, which
-- those do that open or win a slot, nor of the server's own processes. Without images of pages.
CREATE FUNCTION losers_wal(first pg_lsn, last pg_lsn) RETURNS numeric LANGUAGE sql AS
$$
	WITH record AS MATERIALIZED (
		SELECT xid, resource_manager, record_type, record_length - fpi_length AS bytes, description
		FROM pg_get_wal_records_info(first, last)),
	winner AS (
		SELECT DISTINCT xid FROM record WHERE resource_manager = 'Heap' AND record_type LIKE 'INSERT%'),
	winners AS (
		SELECT xid FROM winner
		UNION
		SELECT r.xid FROM record r, substring(r.description FROM 'subxacts: (\d+)') AS subtransaction
		WHERE resource_manager = 'Transaction' AND subtransaction::xid IN (SELECT xid FROM winner))
	SELECT coalesce(sum(bytes), 0) FROM record
	WHERE resource_manager NOT IN ('XLOG', 'Standby', 'Sequence') AND xid NOT IN (SELECT xid FROM winners)
$$;
