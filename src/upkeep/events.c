/*
 * events.c
 *		Reading the events in order without missing one, for whoever sends notifications. Called
 *		through SQL.
 *
 * An event gets its id before it is committed, so a lower id may appear after a higher one. A transaction
 * gets its own id before that of its first event, since it writes the slot or the appointment first. So
 * the highest event id that is seen at one moment is settled once every transaction that had an id by
 * then has ended: no lower one can appear any more.
 */
#include "upkeep/upkeep.h"
#include "store/store.h"

#include "access/transam.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/xid8.h"

#define MOST_EVENTS 10000

/*
 * A next_xid in the future is that of another cluster, from which the book was restored. $1 consumer,
 * $2 highest event id, $3 the next transaction id at that moment, $4 the oldest that was running after.
 */
#define ADVANCE_SQL \
	"UPDATE booking.event_consumers SET" \
	"    settled_until = greatest(settled_until, CASE WHEN $3 <= $4 THEN $2" \
	"                                                 WHEN next_xid <= $4 THEN next_until" \
	"                                                 ELSE 0 END)," \
	"    next_until = CASE WHEN next_xid <= $4 OR next_xid > $3 THEN $2 ELSE next_until END," \
	"    next_xid = CASE WHEN next_xid <= $4 OR next_xid > $3 THEN $3 ELSE next_xid END" \
	" WHERE name = $1 RETURNING done_until, settled_until, read_until"

static BookingPlan highest_plan = {"SELECT coalesce(max(id), 0) FROM booking.appointment_events"};
/* Not its xmax: there may be transactions under way that are younger. */
static BookingPlan oldest_plan = {"SELECT pg_snapshot_xmin(pg_current_snapshot())"};
static BookingPlan add_consumer_plan = {
	"INSERT INTO booking.event_consumers (name) VALUES ($1) ON CONFLICT DO NOTHING", 1, {TEXTOID}};
static BookingPlan advance_plan = {ADVANCE_SQL, 4, {TEXTOID, INT8OID, XID8OID, XID8OID}};
static BookingPlan read_plan = {
	"SELECT e, id FROM booking.appointment_events e WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3",
	3,
	{INT8OID, INT8OID, INT4OID}};
static BookingPlan note_read_plan = {
	"UPDATE booking.event_consumers SET read_until = $2 WHERE name = $1", 2, {TEXTOID, INT8OID}};
static BookingPlan skip_plan = {
	"UPDATE booking.event_consumers SET done_until = greatest(done_until, $2),"
	"    read_until = greatest(read_until, $2), settled_until = greatest(settled_until, $2)"
	" WHERE name = $1 RETURNING done_until",
	2,
	{TEXTOID, INT8OID}};
static BookingPlan has_read_plan = {
	"SELECT FROM booking.event_consumers WHERE name = $1 AND $2 <= read_until",
	2,
	{TEXTOID, INT8OID}};
static BookingPlan done_plan = {
	"UPDATE booking.event_consumers SET done_until = greatest(done_until, $2)"
	" WHERE name = $1 AND $2 <= read_until",
	2,
	{TEXTOID, INT8OID}};

static Datum
read_consumer(FunctionCallInfo fcinfo)
{
	text *name;

	booking_require(fcinfo, 0, "consumer");
	name = PG_GETARG_TEXT_PP(0);
	booking_require_text(name, 63, CONSUMER_NAME_LENGTH);
	return PointerGetDatum(name);
}

/*
 * Three arguments of advance_plan, which have to be read in this order. And before we write, since our own
 * transaction would then be among those that are running.
 */
static void
observe(Datum *observed)
{
	booking_execute_latest(&highest_plan, NULL, NULL);
	observed[0] = booking_value();
	observed[1] = FullTransactionIdGetDatum(ReadNextFullTransactionId());
	booking_execute_latest(&oldest_plan, NULL, NULL);
	observed[2] = booking_value();
}

/* Notes the highest id of the last result, which is in order. */
static void
note_read(Datum consumer, int64 read_until)
{
	Datum values[] = {consumer, 0};
	Datum last[2];
	bool nulls[2];

	if (SPI_processed == 0)
		return;
	booking_row(SPI_processed - 1, last, nulls);
	values[1] = last[1];
	if (DatumGetInt64(last[1]) > read_until)
		booking_require_written(booking_execute(&note_read_plan, values, NULL), 1);
}

BOOKING_FUNCTION(booking_read_events)
{
	Datum values[4] = {read_consumer(fcinfo)};
	Datum range[3];
	bool nulls[3];
	int64 read_until;

	booking_require(fcinfo, 1, "max_rows");
	booking_require_between(PG_GETARG_INT32(1), 1, MOST_EVENTS, EVENTS_IN_RANGE);

	booking_start_writing(fcinfo);
	observe(&values[1]);
	booking_execute(&add_consumer_plan, values, NULL);
	booking_execute(&advance_plan, values, NULL);
	booking_row(0, range, nulls);
	read_until = DatumGetInt64(range[2]);
	range[2] = PG_GETARG_DATUM(1);
	booking_execute_latest(&read_plan, range, NULL);
	booking_return_set_of_rows(fcinfo);
	note_read(values[0], read_until);
	SPI_finish();
	return (Datum) 0;
}

BOOKING_FUNCTION(booking_note_events_done)
{
	Datum values[] = {read_consumer(fcinfo), PG_GETARG_DATUM(1)};

	booking_require(fcinfo, 1, "until_id");

	booking_start_writing(fcinfo);
	if (booking_execute(&done_plan, values, NULL) == 0)
	{
		booking_require_none_left(&has_read_plan, values, NULL);
		booking_refuse(EVENTS_WERE_READ);
	}
	SPI_finish();
	PG_RETURN_VOID();
}

/*
 * Waits for all who are writing events, since theirs may have lower ids than the highest that is seen.
 * Whoever starts now gets higher ids, and need not wait for us.
 */
static void
wait_for_writers(void)
{
	LOCKTAG table;

	SET_LOCKTAG_RELATION(table, MyDatabaseId, booking_relation("appointment_events"));
	WaitForLockers(table, ShareLock, false);
}

BOOKING_FUNCTION(booking_skip_events)
{
	Datum values[] = {read_consumer(fcinfo), 0};
	Datum done_until;

	booking_start_writing(fcinfo);
	booking_execute_latest(&highest_plan, NULL, NULL);
	values[1] = booking_value();
	wait_for_writers();
	booking_execute(&add_consumer_plan, values, NULL);
	booking_execute(&skip_plan, values, NULL);
	done_until = booking_value();
	SPI_finish();
	return done_until;
}
