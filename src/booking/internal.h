/*
 * internal.h
 *		What the files of this folder share, and nobody else sees: the list of the clinics' own rules.
 */
#ifndef BOOKING_BOOKING_INTERNAL_H
#define BOOKING_BOOKING_INTERNAL_H

#include "booking/booking.h"

#include "nodes/pg_list.h"

/* rule_cache.c */

/* A rule that a clinic added, or an administrator for all clinics. */
typedef struct ClinicRule
{
	char *name;
	char *check_function;
	Oid function; /* InvalidOid when there is none of that name and form */
	bool is_of_all_clinics;
	int64 clinic_id; /* when it is of one */
} ClinicRule;

extern bool booking_is_check_function(Oid function, Oid *owner);
extern List *booking_rules_of_clinic(int64 clinic_id);

#endif /* BOOKING_BOOKING_INTERNAL_H */
