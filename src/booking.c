/*
 * booking.c
 *		Module magic. Called by the server when it loads the library.
 */
#include "booking.h"

PG_MODULE_MAGIC;

void _PG_init(void);

void
_PG_init(void)
{
	booking_request_counters();
	booking_install_planner();
}
