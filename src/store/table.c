/*
 * table.c
 *		What is known of the extension's own tables, found by name. Called by what reads and writes
 *		them without SQL.
 *
 * Finding out takes longer than what it is wanted for, so that it is kept for the session, until the
 * server tells that something about the table, or any function, has changed: an expression of the
 * table may have the body of a function in it.
 */
#include "store/store.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* The tables that this backend has used. */
static BookingTable *known_tables = NULL;

static void
forget_relation(Datum arg, Oid relation)
{
	for (BookingTable *table = known_tables; table != NULL; table = table->next)
	{
		if (relation == InvalidOid || relation == table->oid || relation == table->index_oid)
			table->is_current = false;
	}
}

static void
forget_all(Datum arg, int cache, uint32 hash)
{
	forget_relation(arg, InvalidOid);
}

static void
remember(BookingTable *table)
{
	if (table->is_remembered)
		return;
	if (known_tables == NULL)
	{
		CacheRegisterRelcacheCallback(forget_relation, (Datum) 0);
		CacheRegisterSyscacheCallback(PROCOID, forget_all, (Datum) 0);
	}
	table->next = known_tables;
	table->is_remembered = true;
	known_tables = table;
}

/* To take a value for one of another type could take the server down. */
static void
check_type(Relation relation, const BookingColumn *column, AttrNumber number)
{
	Oid type = OidIsValid(column->type) ? column->type : booking_status_type();

	if (number > 0 && OidIsValid(type) &&
		TupleDescAttr(RelationGetDescr(relation), number - 1)->atttypid == type)
		return;
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("table booking.%s has no column %s of type %s",
						   RelationGetRelationName(relation), column->name,
						   OidIsValid(type) ? format_type_be(type) : "booking.appointment_status"),
					errdetail("The extension booking reads and writes it as that."),
					errhint("Give the column back its name and type.")));
}

static void
find_columns(Relation relation, BookingTable *table)
{
	table->count = 0;
	while (table->count < MAX_TABLE_COLUMNS && table->columns[table->count].name != NULL)
	{
		const BookingColumn *column = &table->columns[table->count];
		int number = SPI_fnumber(RelationGetDescr(relation), column->name);

		check_type(relation, column, number);
		table->numbers[table->count++] = number;
	}
}

/*
 * Learns all about the table, which is locked; what changes meanwhile is learned at the next use. To
 * compile an expression may run functions that it calls.
 */
static void
learn(Relation relation, BookingTable *table, LearnMore *learn_more)
{
	Authority callers;

	booking_take_authority(&callers);
	table->is_current = true;
	table->status_type = booking_status_type();
	PG_TRY();
	{
		find_columns(relation, table);
		learn_more(relation, table);
	}
	PG_CATCH();
	{
		table->is_current = false;
		PG_RE_THROW();
	}
	PG_END_TRY();
	booking_leave_authority(&callers);
}

/*
 * Opens the table, locked, with all known of it. The lock stays to the end of the transaction, as
 * after a statement.
 */
Relation
booking_open_table(BookingTable *table, LOCKMODE mode, LearnMore *learn_more)
{
	Relation relation;

	/* of a column whose type's name stands for another type now, the server tells nothing */
	if (table->is_current && table->status_type == booking_status_type())
	{
		LockRelationOid(table->oid, mode);
		/* if it were gone, or another, we would have heard of it when the lock was granted */
		if (table->is_current)
			return table_open(table->oid, NoLock);
		UnlockRelationOid(table->oid, mode);
	}
	remember(table);
	relation = booking_open_relation(table->name, mode);
	table->oid = RelationGetRelid(relation);
	learn(relation, table, learn_more);
	return relation;
}
