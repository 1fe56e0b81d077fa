/*
 * upkeep.h
 *		What a scheduler and other programs keep doing to the book. Stands on booking.
 */
#ifndef BOOKING_UPKEEP_H
#define BOOKING_UPKEEP_H

#include "base/base.h"

/* retention.c */

extern uint64 booking_delete_before(TimestampTz end, int32 max_rows);

/* measure.c */

extern uint64 booking_measure_clinics(int32 max_rows);

#endif /* BOOKING_UPKEEP_H */
