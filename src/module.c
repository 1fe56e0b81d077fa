/*
 * module.c
 *		Module magic, and the settings of the book. Called by the server when it loads the library.
 */
#include "store/store.h"
#include "callers/callers.h"

#include <limits.h>

#include "utils/guc.h"

PG_MODULE_MAGIC;

void _PG_init(void);

/* Only superusers may set these, since nobody is to raise their own limit. */
static void
define_settings(void)
{
	/*
	 * The most rows that one statement of a patient may insert, update or delete, on the view bookings or
	 * a table. -1: any number.
	 */
	DefineCustomIntVariable("booking.max_rows_changed_by_patients",
							"Rows that one statement of a patient may change.", "-1 is any number.",
							&booking_max_rows_changed_by_patients, 1, -1, INT_MAX, PGC_SUSET, 0,
							NULL, NULL, NULL);

	/* The same for staff. */
	DefineCustomIntVariable("booking.max_rows_changed_by_staff",
							"Rows that one statement of staff may change.", "-1 is any number.",
							&booking_max_rows_changed_by_staff, 50, -1, INT_MAX, PGC_SUSET, 0, NULL,
							NULL, NULL);

	/*
	 * For the login of PostgREST: whether EXPLAIN, and embeddings that lead back to where they came from,
	 * are refused to all but administrators.
	 */
	DefineCustomBoolVariable("booking.guard_requests",
							 "Refuses what no request of a web client may ask.", NULL,
							 &booking_guard_requests, false, PGC_SUSET, 0, NULL, NULL, NULL);

	/* For comparing: off, rows are read and written by statements, which comes to the same. */
	DefineCustomBoolVariable(
		"booking.direct",
		"Reads and writes rows without statements where nothing is out of the ordinary.", NULL,
		&booking_direct, true, PGC_SUSET, 0, NULL, NULL, NULL);

	MarkGUCPrefixReserved("booking");
}

void
_PG_init(void)
{
	define_settings();
	booking_install_request_guard();
	booking_install_counters();
	booking_install_planner_hook();
}
