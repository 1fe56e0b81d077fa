/*
 * limits.c
 *		How many rows one statement of a patient, or of staff, may change. Called by the server, as
 *		triggers.
 *
 * This is for the request that was sent without its filter. What functions of the extension write does not
 * count: they write as their owner.
 */
#include "callers/callers.h"

#include "miscadmin.h"
#include "utils/rel.h"

int booking_max_rows_changed_by_patients = 1;
int booking_max_rows_changed_by_staff = 50;

/* How many rows a statement may change, and has changed so far. */
typedef struct Quota
{
	int limit; /* negative: any number */
	RefusalName otherwise;
	int64 rows;
} Quota;

static Quota
quota_of(Oid user)
{
	if (booking_has_role(user, "booking_admin"))
		return (Quota){.limit = -1};
	if (booking_has_role(user, "booking_staff"))
		return (Quota){booking_max_rows_changed_by_staff, ROWS_CHANGED_BY_STAFF};
	if (booking_has_role(user, "booking_patient"))
		return (Quota){booking_max_rows_changed_by_patients, ROWS_CHANGED_BY_PATIENTS};
	return (Quota){.limit = -1};
}

/* What is kept in fn_extra lasts as long as the statement. */
static Quota *
quota_of_statement(FunctionCallInfo fcinfo)
{
	FmgrInfo *function = fcinfo->flinfo;

	if (function->fn_extra == NULL)
	{
		Quota *quota = MemoryContextAlloc(function->fn_mcxt, sizeof(Quota));

		*quota = quota_of(GetUserId());
		function->fn_extra = quota;
	}
	return function->fn_extra;
}

BOOKING_FUNCTION_AS_CALLER(booking_count_changed_rows)
{
	TriggerData *trigger = booking_trigger(fcinfo, FOR_ROW_OF_CALLER, NULL);
	Relation relation = trigger->tg_relation;
	Quota *quota;

	/* most rows are written as the owner: by our functions, and by the server's foreign keys */
	if (GetUserId() != relation->rd_rel->relowner)
	{
		quota = quota_of_statement(fcinfo);
		quota->rows++;
		if (quota->limit >= 0 && quota->rows > quota->limit)
			booking_refuse(quota->otherwise, .count = quota->limit,
						   .table = trigger->tg_trigger->tgnargs > 0
										? trigger->tg_trigger->tgargs[0]
										: RelationGetRelationName(relation));
	}
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple
																	  : trigger->tg_trigtuple);
}
