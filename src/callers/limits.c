/*
 * limits.c
 *		How many rows one statement of a patient, or of staff, may change. Called as triggers.
 *
 * For the request that was sent without its filter. What functions of the extension write does not count:
 * they write with the rights of their owner.
 */
#include "callers/callers.h"

#include "miscadmin.h"
#include "utils/rel.h"

int booking_max_rows_changed_by_patients = 1;
int booking_max_rows_changed_by_staff = 50;

/* What a statement has changed so far, and may. */
typedef struct Quota
{
	const char *of; /* NULL: nobody who is limited */
	const char *setting;
	const char *hint;
	int limit;
	int64 rows;
} Quota;

static Quota
quota_of(Oid user)
{
	if (booking_has_role(user, "booking_admin"))
		return (Quota){.of = NULL};
	if (booking_has_role(user, "booking_staff"))
		return (Quota){
			.of = "staff",
			.setting = "booking.max_rows_changed_by_staff",
			.hint =
				"Name fewer rows by their ids, or use a function that is for many: booking.add_time_off(), booking.reassign_slots().",
			.limit = booking_max_rows_changed_by_staff,
		};
	if (booking_has_role(user, "booking_patient"))
		return (Quota){
			.of = "patients",
			.setting = "booking.max_rows_changed_by_patients",
			.hint = "Name the row that is meant by its id.",
			.limit = booking_max_rows_changed_by_patients,
		};
	return (Quota){.of = NULL};
}

/* What is kept with the trigger's function lasts as long as the statement. */
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

static void
refuse_more_rows(const Quota *quota, const char *table)
{
	booking_refuse(&(Refusal){
		.sqlstate = ERRCODE_BOOKING_UNPROCESSABLE,
		.rule = "max_rows_changed",
		.table = table,
		.message = psprintf("a statement of %s cannot change more than %d row%s of %s", quota->of,
							quota->limit, quota->limit == 1 ? "" : "s", table),
		.detail = psprintf("%s says so; nothing was changed.", quota->setting),
		.hint = quota->hint,
	});
}

BOOKING_FUNCTION_AS_CALLER(booking_count_changed_rows)
{
	TriggerData *trigger = booking_trigger(fcinfo, FOR_ROW_OF_CALLER, NULL);
	Relation relation = trigger->tg_relation;
	Quota *quota;

	/* so do our functions, the server's foreign keys, and by far most statements */
	if (GetUserId() != relation->rd_rel->relowner)
	{
		quota = quota_of_statement(fcinfo);
		quota->rows++;
		if (quota->of != NULL && quota->limit >= 0 && quota->rows > quota->limit)
			refuse_more_rows(quota, trigger->tg_trigger->tgnargs > 0
										? trigger->tg_trigger->tgargs[0]
										: RelationGetRelationName(relation));
	}
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple
																	  : trigger->tg_trigtuple);
}
