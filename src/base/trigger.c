/*
 * trigger.c
 *		What the trigger functions share, and the one that keeps rows tidy, whoever writes them.
 *		Called by the server as triggers, and by the files that have other triggers.
 */
#include "base/base.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

static bool
is_used_as(const TriggerData *trigger, TriggerUse use)
{
	bool is_update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	bool is_insert = TRIGGER_FIRED_BY_INSERT(trigger->tg_event);
	bool is_row = TRIGGER_FIRED_FOR_ROW(trigger->tg_event);
	bool is_before = TRIGGER_FIRED_BEFORE(trigger->tg_event);

	switch (use)
	{
		case BEFORE_ROW_WRITE:
			return is_row && is_before && (is_insert || is_update);
		case BEFORE_ROW_UPDATE:
			return is_row && is_before && is_update;
		case AFTER_ROW_WRITE:
			return is_row && !is_before && (is_insert || is_update);
		case AFTER_ROW_UPDATE:
			return is_row && !is_before && is_update;
		case AFTER_ANY_CHANGE:
			return !is_before;
		case FOR_ROW_OF_CALLER:
			return is_row && !TRIGGER_FIRED_AFTER(trigger->tg_event);
	}
	return false;
}

/*
 * The trigger's data. To read it where there is none, or to take another table's rows for one's own, can
 * take the server down. NULL is any table.
 */
TriggerData *
booking_trigger(FunctionCallInfo fcinfo, TriggerUse use, const char *table)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !is_used_as(trigger, use) ||
		(table != NULL && RelationGetRelid(trigger->tg_relation) != booking_relation(table)))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("booking.%s() can only be the trigger it is",
							   get_func_name(fcinfo->flinfo->fn_oid))));
	return trigger;
}

/* How many triggers are running, one within the other. */
int
booking_trigger_depth(void)
{
	return DatumGetInt32(pg_trigger_depth(NULL));
}

pg_noreturn static void refuse_column(const char *name, const char *type);

static void
refuse_column(const char *name, const char *type)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					type ? errmsg("the table has no column \"%s\" of type %s", name, type)
						 : errmsg("the table has no column \"%s\"", name),
					errdetail("A trigger of the extension booking reads or writes it."),
					errhint("Give the column back its name and type.")));
}

/* The number of a column, which has to have the type that the trigger takes it for. */
int
booking_column_of_type(TupleDesc desc, const char *name, Oid type)
{
	int column = SPI_fnumber(desc, name);

	/* the one type that is not built in may be missing */
	if (!OidIsValid(type))
		refuse_column(name, "booking.appointment_status");
	if (column <= 0 || SPI_gettypeid(desc, column) != type)
		refuse_column(name, format_type_be(type));
	return column;
}

/* The number of a column of any type. */
int
booking_column_number(TupleDesc desc, const char *name)
{
	int column = SPI_fnumber(desc, name);

	if (column <= 0)
		refuse_column(name, NULL);
	return column;
}

static HeapTuple
tidy_column(HeapTuple row, TupleDesc desc, const char *name)
{
	int column = booking_column_of_type(desc, name, TEXTOID);
	bool isnull;
	Datum value = heap_getattr(row, column, desc, &isnull);
	Datum tidy;

	if (isnull)
		return row;

	value = PointerGetDatum(DatumGetTextPP(value));
	tidy = strcmp(name, "email") == 0 ? booking_tidy_email(value) : booking_trim(value);
	if (tidy == value)
		return row;
	return heap_modify_tuple_by_cols(row, desc, 1, &column, &tidy, &isnull);
}

static HeapTuple
stamp_update(HeapTuple row, TupleDesc desc)
{
	int column = booking_column_of_type(desc, "updated_at", TIMESTAMPTZOID);
	Datum now = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	bool isnull;

	/* the functions set it themselves, which spares them a copy of the row here */
	if (heap_getattr(row, column, desc, &isnull) == now && !isnull)
		return row;
	isnull = false;
	return heap_modify_tuple_by_cols(row, desc, 1, &column, &now, &isnull);
}

BOOKING_FUNCTION_AS_CALLER(booking_tidy_row)
{
	TriggerData *trigger = booking_trigger(fcinfo, BEFORE_ROW_WRITE, NULL);
	TupleDesc desc = RelationGetDescr(trigger->tg_relation);
	bool is_update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	HeapTuple row = is_update ? trigger->tg_newtuple : trigger->tg_trigtuple;

	for (int i = 0; i < trigger->tg_trigger->tgnargs; i++)
		row = tidy_column(row, desc, trigger->tg_trigger->tgargs[i]);
	if (is_update)
		row = stamp_update(row, desc);
	return PointerGetDatum(row);
}
