/*
 * status.c
 *		The statuses of appointments, as words and as the values of their type. Called by what reads and
 *		writes appointments without SQL.
 *
 * The values differ from database to database, and are other ones when the extension was installed
 * anew; a session keeps them until it hears of such a change.
 */
#include "booking.h"

#include "catalog/namespace.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/syscache.h"

/* As appointment_status has them; first those that occupy a slot, as OCCUPYING_STATUSES has them. */
static const char *const labels[] = {"pending",   "booked",          "arrived",   "checked-in",
									 "fulfilled", "noshow",          "cancelled", "proposed",
									 "waitlist",  "entered-in-error"};
#define OCCUPYING_COUNT 6

static bool is_current = false;
static Oid known_type = InvalidOid;
static Oid known_values[lengthof(labels)];

static void
forget(Datum arg, int cache, uint32 hash)
{
	is_current = false;
}

static Oid
find_type(void)
{
	return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("appointment_status"),
						   ObjectIdGetDatum(get_namespace_oid("booking", true)));
}

static void
learn(void)
{
	static bool is_listening = false;
	Oid type;

	if (is_current)
		return;
	if (!is_listening)
	{
		CacheRegisterSyscacheCallback(TYPENAMENSP, forget, (Datum) 0);
		CacheRegisterSyscacheCallback(ENUMTYPOIDNAME, forget, (Datum) 0);
		is_listening = true;
	}
	is_current = true;
	type = find_type();
	/* columns were found to be of the other one */
	if (OidIsValid(known_type) && type != known_type)
		booking_forget_tables();
	known_type = type;
	for (int i = 0; i < lengthof(labels); i++)
		known_values[i] = GetSysCacheOid2(ENUMTYPOIDNAME, Anum_pg_enum_oid, ObjectIdGetDatum(type),
										  CStringGetDatum(labels[i]));
}

Oid
booking_status_type(void)
{
	learn();
	return known_type;
}

/* A status as its columns have it. */
Datum
booking_status(const char *label)
{
	learn();
	for (int i = 0; i < lengthof(labels); i++)
	{
		if (strcmp(label, labels[i]) == 0 && OidIsValid(known_values[i]))
			return ObjectIdGetDatum(known_values[i]);
	}
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("type booking.appointment_status has no value \"%s\"", label),
					errdetail("The extension booking gives appointments this status."),
					errhint("Give the type back its values.")));
}

/* What a column's value is called; somebody may have added one to the type. */
const char *
booking_status_label(Datum status)
{
	learn();
	for (int i = 0; i < lengthof(labels); i++)
	{
		if (DatumGetObjectId(status) == known_values[i])
			return labels[i];
	}
	return DatumGetCString(DirectFunctionCall1(enum_out, status));
}

bool
booking_status_occupies(const char *status)
{
	for (int i = 0; i < OCCUPYING_COUNT; i++)
	{
		if (strcmp(status, labels[i]) == 0)
			return true;
	}
	return false;
}
