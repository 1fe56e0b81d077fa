-- The outbox: how far those who send notifications have read the events.

CREATE TABLE booking.event_consumers (
	name text PRIMARY KEY,
	done_until bigint NOT NULL DEFAULT 0,
	read_until bigint NOT NULL DEFAULT 0,
	settled_until bigint NOT NULL DEFAULT 0,
	next_until bigint NOT NULL DEFAULT 0,
	next_xid xid8 NOT NULL DEFAULT '0',
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT consumer_name_has_1_to_63_characters CHECK (char_length(name) BETWEEN 1 AND 63),
	CONSTRAINT text_has_no_control_characters CHECK (booking.has_no_control_characters(name))
);
COMMENT ON TABLE booking.event_consumers IS 'Who reads appointment_events by read_events, and how far they have come.

The events stay as they are.';
COMMENT ON COLUMN booking.event_consumers.name IS 'Name that the consumer has given itself, 1 to 63 characters.';
COMMENT ON COLUMN booking.event_consumers.done_until IS 'It has dealt with every event up to this id.';
COMMENT ON COLUMN booking.event_consumers.read_until IS 'It has been shown events up to this id.';
COMMENT ON COLUMN booking.event_consumers.settled_until IS 'No event up to this id can appear any more: all who could have written one are through.';
COMMENT ON COLUMN booking.event_consumers.next_until IS 'The same is going to hold up to this id, ...';
COMMENT ON COLUMN booking.event_consumers.next_xid IS '... when every transaction before this one is through.';
COMMENT ON COLUMN booking.event_consumers.created_at IS 'When it read first.';
COMMENT ON COLUMN booking.event_consumers.updated_at IS 'When it last read or noted; kept by a trigger.';

CREATE FUNCTION booking.read_events(consumer text, max_rows int DEFAULT 1000)
	RETURNS SETOF booking.appointment_events
	LANGUAGE C
	AS 'MODULE_PATHNAME', 'booking_read_events';
COMMENT ON FUNCTION booking.read_events IS
	'The next events for a consumer.

Those that the consumer, such as a sender of notifications, has not noted as done, in ascending order of their ids, at most max_rows (1 to 10000). Only events before which none can appear any more, so that none is missed: while other transactions write, an event may come one call later. The same events come again until note_events_done() says that they are done. A name that reads for the first time starts with the first event; skip_events() has it start later. consumer: 1 to 63 characters. Errors: PT400 a value missing; PT422 name too long or max_rows out of range; 42501 the caller is no administrator.';

CREATE FUNCTION booking.note_events_done(consumer text, until_id bigint) RETURNS void
	LANGUAGE C
	AS 'MODULE_PATHNAME', 'booking_note_events_done';
COMMENT ON FUNCTION booking.note_events_done IS
	'Notes that a consumer has dealt with events.

With every event up to this id, which read_events() has returned to it. Errors: PT400 a value missing; PT422 it has not read so far, or is unknown; 42501 the caller is no administrator.';

CREATE FUNCTION booking.skip_events(consumer text) RETURNS bigint
	LANGUAGE C
	AS 'MODULE_PATHNAME', 'booking_skip_events';
COMMENT ON FUNCTION booking.skip_events IS
	'Has a consumer begin from now.

A new one or not: notes every event so far as done, unread ones as well, and returns the id of the last. What is committed after the call is read by read_events(), nothing missed: so the call waits for the transactions that are writing events just now, and for a VACUUM or ANALYZE of their table, while new ones go on. consumer: 1 to 63 characters. Errors: PT400 name missing; PT422 name too long; 42501 the caller is no administrator.';
