/*
 * refusals.c
 *		The counts of refusals, for monitoring. Called through SQL.
 */
#include "base/base.h"

#include "utils/builtins.h"

BOOKING_FUNCTION_AS_CALLER(booking_refusals)
{
	ReturnSetInfo *result = booking_start_set(fcinfo);
	const char *rule;
	uint64 refusals;

	for (int i = 0; (i = booking_next_count(i, &rule, &refusals)) > 0;)
	{
		Datum values[] = {CStringGetTextDatum(rule), Int64GetDatum(refusals)};
		bool nulls[] = {false, false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
