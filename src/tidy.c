/*
 * tidy.c
 *		The trigger that keeps rows tidy, whoever writes them. Called by the server.
 */
#include "booking.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"

static HeapTuple
trim_column(HeapTuple row, TupleDesc desc, const char *name)
{
	int column = SPI_fnumber(desc, name);
	bool isnull;
	Datum value = heap_getattr(row, column, desc, &isnull);
	Datum trimmed;

	if (isnull)
		return row;

	trimmed = DirectFunctionCall2(btrim, value, CStringGetTextDatum(BLANKS));
	if (VARSIZE_ANY_EXHDR(DatumGetTextPP(trimmed)) == VARSIZE_ANY_EXHDR(DatumGetTextPP(value)))
		return row;
	return heap_modify_tuple_by_cols(row, desc, 1, &column, &trimmed, &isnull);
}

static HeapTuple
stamp_update(HeapTuple row, TupleDesc desc)
{
	int column = SPI_fnumber(desc, "updated_at");
	Datum now = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	bool isnull = false;

	return heap_modify_tuple_by_cols(row, desc, 1, &column, &now, &isnull);
}

PG_FUNCTION_INFO_V1(booking_tidy_row);
Datum
booking_tidy_row(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	TupleDesc desc = RelationGetDescr(data->tg_relation);
	bool is_update = TRIGGER_FIRED_BY_UPDATE(data->tg_event);
	HeapTuple row = is_update ? data->tg_newtuple : data->tg_trigtuple;

	for (int i = 0; i < data->tg_trigger->tgnargs; i++)
		row = trim_column(row, desc, data->tg_trigger->tgargs[i]);
	if (is_update)
		row = stamp_update(row, desc);
	return PointerGetDatum(row);
}
