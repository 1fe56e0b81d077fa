/*
 * log.c
 *		Writing the events of appointments. Called by write.c for an appointment's first event, and by
 *		transition.c for each change that follows.
 */
#include "booking/booking.h"
#include "store/store.h"
#include "callers/callers.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

/* The role of an event that nobody made. Nobody logs in as it: it owns the book. */
#define NOBODYS_ROLE "booking_owner"

static Datum
optional_text(const char *string)
{
	return string ? CStringGetTextDatum(string) : (Datum) 0;
}

void
booking_write_event(const Event *event)
{
	const ColumnValue values[] = {
		{APPOINTMENT_EVENTS_APPOINTMENT_ID, Int64GetDatum(event->appointment_id)},
		{APPOINTMENT_EVENTS_SLOT_ID, Int64GetDatum(event->slot_id)},
		{APPOINTMENT_EVENTS_FROM_STATUS,
		 event->from_status ? booking_status(event->from_status) : (Datum) 0,
		 .isnull = !event->from_status},
		{APPOINTMENT_EVENTS_TO_STATUS, booking_status(event->to_status)},
		{APPOINTMENT_EVENTS_ACTOR_ROLE,
		 DirectFunctionCall1(namein, CStringGetDatum(event->actor_role))},
		{APPOINTMENT_EVENTS_ACTOR, optional_text(event->actor), .isnull = !event->actor},
		{APPOINTMENT_EVENTS_REASON, optional_text(event->reason), .isnull = !event->reason},
	};

	booking_insert(APPOINTMENT_EVENTS, values, lengthof(values), NULL, NULL, NULL);
}

/*
 * Writes an event with its actor. The patient sees it: if an expired hold named whoever came upon it, the
 * patient would learn whether that was another patient, staff or the scheduler.
 */
void
booking_write_event_of(ActorKind actor, const Event *event)
{
	Event complete = *event;
	Caller caller;

	booking_caller(&caller);
	booking_name_caller(&caller);
	complete.actor_role = actor == NOBODY_ACTS ? NOBODYS_ROLE : caller.role;
	complete.actor = actor == NOBODY_ACTS ? NULL : caller.subject;
	booking_write_event(&complete);
}
