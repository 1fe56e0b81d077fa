/*
 * finding.h
 *		Free slots, and a patient's own appointments. Stands on calendar; nobody stands on it.
 */
#ifndef BOOKING_FINDING_H
#define BOOKING_FINDING_H

#include "base/base.h"

/* search.c */

/* The most free slots that are returned at once. */
#define MOST_FREE_SLOTS 10000

/* Slots of a clinic are looked for that start from first on, and before until. */
typedef struct SlotWindow
{
	int64 clinic_id;
	TimestampTz first;
	TimestampTz until;
	pg_tz *zone; /* NULL unless a date is asked for */
} SlotWindow;

/* What is asked for; a null is 'n', as SPI has it. */
typedef struct SlotSearch
{
	Datum clinic_id;
	char clinic_null;
	Datum doctors; /* an array */
	char doctors_null;
	Datum specialization;
	char specialization_null;
	DateADT date;
	char date_null;
	TimestampTz from;
	TimestampTz until;
	int64 after_doctor;
	char after_null;
	int32 per_doctor;
	int32 wanted;
	bool wants_all; /* or a refusal, if they are too many */

	SlotWindow *windows; /* by clinic */
	int window_count;
	struct HTAB *counts; /* of slots by doctor */
} SlotSearch;

extern uint64 booking_find_windows(SlotSearch *search);
extern void booking_run_search(SlotSearch *search);

#endif /* BOOKING_FINDING_H */
