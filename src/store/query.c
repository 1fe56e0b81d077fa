/*
 * query.c
 *		Finding rows by a statement, where they are not read directly. Called by read.c.
 */
#include "store/internal.h"

#include "access/htup_details.h"
#include "utils/memutils.h"

/* What precedes the columns in what a statement returns. */
#define LEADING 2

static BookingPlan plans[INDEX_COUNT];

/* Each index is asked with conditions of one form. */
static BookingPlan *
plan_of(IndexId id, const Condition *conditions, int count)
{
	static const char *const operators[] = {[EQUAL] = "=", [LESS] = "<", [GREATER] = ">"};
	const BookIndex *index = &booking_indexes[id];
	const BookTable *table = &booking_tables[index->table];
	BookingPlan *plan = &plans[id];
	StringInfoData sql;

	if (plan->sql != NULL)
	{
		Assert(plan->nargs == count);
		return plan;
	}
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT tableoid, ctid");
	for (int i = 0; i < table->column_count; i++)
		appendStringInfo(&sql, ", %s", table->columns[i].name);
	appendStringInfo(&sql, " FROM booking.%s WHERE true%s", table->name,
					 index->predicate ? index->predicate : "");
	for (int i = 0; i < count; i++)
	{
		const BookColumn *column = &table->columns[index->keys[conditions[i].key]];

		appendStringInfo(&sql, " AND %s %s $%d", column->name, operators[conditions[i].comparison],
						 i + 1);
		plan->argtypes[i] = column->type;
	}
	plan->nargs = count;
	plan->options = READ_PLAN;
	plan->sql = MemoryContextStrdup(TopMemoryContext, sql.data);
	return plan;
}

/* In the caller's memory. */
void
booking_run_query(IndexId index, Snapshot snapshot, const Condition *conditions, int count,
				  FoundRows *found)
{
	Datum values[2 * lengthof(booking_indexes[0].keys)];
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext spi;

	for (int i = 0; i < count; i++)
		values[i] = conditions[i].value;
	SPI_connect();
	found->count = booking_query_at(plan_of(index, conditions, count), values, NULL, snapshot);
	spi = MemoryContextSwitchTo(caller);
	found->desc = CreateTupleDescCopy(SPI_tuptable->tupdesc);
	found->tuples = palloc((found->count + 1) * sizeof(HeapTuple));
	for (uint64 i = 0; i < found->count; i++)
		found->tuples[i] = heap_copytuple(SPI_tuptable->vals[i]);
	MemoryContextSwitchTo(spi);
	SPI_finish();
}

void
booking_read_found(const FoundRows *found, uint64 number, BookRow *row)
{
	Datum values[LEADING + MOST_COLUMNS];
	bool nulls[LEADING + MOST_COLUMNS];

	heap_deform_tuple(found->tuples[number], found->desc, values, nulls);
	row->relation_oid = DatumGetObjectId(values[0]);
	row->tid = *(ItemPointer) DatumGetPointer(values[1]);
	memcpy(row->values, values + LEADING, booking_tables[row->table].column_count * sizeof(Datum));
	memcpy(row->nulls, nulls + LEADING, booking_tables[row->table].column_count * sizeof(bool));
}
