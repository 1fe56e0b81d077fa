/*
 * status.c
 *		The statuses of appointments, as words and as the values of their type. Called by what reads and
 *		writes appointments without SQL.
 *
 * The values differ from database to database, and are other ones when the extension was installed
 * anew; a session keeps them until it hears of such a change.
 */
#include "store/store.h"

#include "catalog/namespace.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/syscache.h"

/* As appointment_status has them; first those that occupy a slot, as occupies() in SQL has them. */
static const char *const labels[] = {"pending",   "booked",          "arrived",   "checked-in",
									 "fulfilled", "noshow",          "cancelled", "proposed",
									 "waitlist",  "entered-in-error"};
#define OCCUPYING_COUNT 6

static Oid known_type = InvalidOid;
static Oid known_values[lengthof(labels)];

/* How many invalidations there were that may concern them, by now and when they were read. */
static uint64 invalidations = 1;
static uint64 read_after = 0;

static void
note_invalidation(Datum arg, int cache, uint32 hash)
{
	invalidations++;
}

static Oid
find_type(void)
{
	return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("appointment_status"),
						   ObjectIdGetDatum(get_namespace_oid("booking", true)));
}

/* What is known stays as it was until all is read: that may be cut short by an error. */
static void
read_values(void)
{
	static bool is_listening = false;
	uint64 seen;
	Oid values[lengthof(labels)];
	Oid type;

	if (read_after == invalidations)
		return;
	if (!is_listening)
	{
		CacheRegisterSyscacheCallback(TYPENAMENSP, note_invalidation, (Datum) 0);
		CacheRegisterSyscacheCallback(ENUMTYPOIDNAME, note_invalidation, (Datum) 0);
		is_listening = true;
	}
	seen = invalidations;
	type = find_type();
	for (int i = 0; i < lengthof(labels); i++)
		values[i] = GetSysCacheOid2(ENUMTYPOIDNAME, Anum_pg_enum_oid, ObjectIdGetDatum(type),
									CStringGetDatum(labels[i]));
	known_type = type;
	memcpy(known_values, values, sizeof(values));
	read_after = seen;
}

Oid
booking_status_type(void)
{
	read_values();
	return known_type;
}

/* A status as its columns have it. */
Datum
booking_status(const char *label)
{
	read_values();
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
	read_values();
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
