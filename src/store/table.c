/*
 * table.c
 *		What is known of the book's tables in this session, and whether rows of one are read and written directly.
 *		Called by the other files of this folder.
 *
 * Finding out takes longer than what it is wanted for, so that it is kept for the session, until the
 * server tells that something about the table, or a function that its parts call, has changed: an expression
 * may have the body of a function in it.
 */
#include "store/internal.h"

#include "access/amapi.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/pg_am_d.h"
#include "executor/executor.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#define MOST_ATTEMPTS 10

bool booking_direct = true;

static KnownTable known_tables[TABLE_COUNT];
static KnownIndex known_indexes[INDEX_COUNT];

static void
forget_relation(Datum arg, Oid relation)
{
	for (int i = 0; i < TABLE_COUNT; i++)
	{
		if (relation == InvalidOid || relation == known_tables[i].oid)
			known_tables[i].is_current = false;
	}
	for (int i = 0; i < INDEX_COUNT; i++)
	{
		if (relation == known_indexes[i].oid)
			known_tables[booking_indexes[i].table].is_current = false;
	}
}

static bool
calls_function(const KnownTable *known, uint32 hash)
{
	for (int i = 0; i < known->function_count; i++)
	{
		if (known->function_hashes[i] == hash)
			return true;
	}
	return known->function_count == ANY_FUNCTION;
}

/* Anybody may make functions all the time, such as temporary ones. */
static void
forget_function(Datum arg, int cache, uint32 hash)
{
	for (int i = 0; i < TABLE_COUNT; i++)
	{
		if (hash == 0 || calls_function(&known_tables[i], hash))
			known_tables[i].is_current = false;
	}
}

static void
listen_once(void)
{
	static bool is_listening = false;

	if (is_listening)
		return;
	CacheRegisterRelcacheCallback(forget_relation, (Datum) 0);
	CacheRegisterSyscacheCallback(PROCOID, forget_function, (Datum) 0);
	is_listening = true;
}

Oid
booking_type_of(const BookColumn *column)
{
	return column->type == STATUS_TYPE ? booking_status_type() : column->type;
}

/* To take a value for one of another type could take the server down. */
static void
check_type(Relation relation, const BookColumn *column, AttrNumber number)
{
	Oid type = booking_type_of(column);

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
find_columns(Relation relation, TableId id)
{
	for (int i = 0; i < booking_tables[id].column_count; i++)
	{
		int number = SPI_fnumber(RelationGetDescr(relation), booking_tables[id].columns[i].name);

		check_type(relation, &booking_tables[id].columns[i], number);
		known_tables[id].numbers[i] = number;
	}
}

/*
 * Whether all functions by which the column of an index is compared are the server's own: somebody's class
 * of operators can belong to a family of the server's.
 */
static bool
compares_by_server(Relation index, int column)
{
	int count = index->rd_indam->amsupport;

	for (int i = 0; i < count; i++)
	{
		if (index->rd_support[column * count + i] >= FirstNormalObjectId)
			return false;
	}
	return index->rd_opfamily[column] < FirstNormalObjectId;
}

/* What goes by the name may be somebody's own, of another table even. */
static bool
is_usable(Relation found, const BookIndex *index)
{
	const FormData_pg_index *form = found->rd_index;
	const KnownTable *table = &known_tables[index->table];

	if (found->rd_rel->relkind != RELKIND_INDEX || found->rd_rel->relam != BTREE_AM_OID ||
		!form->indisvalid || form->indrelid != table->oid ||
		form->indnkeyatts != index->key_count || (index->is_unique && !form->indisunique))
		return false;
	for (int i = 0; i < index->key_count; i++)
	{
		const BookColumn *column = &booking_tables[index->table].columns[index->keys[i]];

		if (form->indkey.values[i] != table->numbers[index->keys[i]] ||
			found->rd_opcintype[i] != column->type || !compares_by_server(found, i))
			return false;
	}
	return true;
}

static void
find_index(IndexId id)
{
	KnownIndex *known = &known_indexes[id];
	Relation found;

	known->oid = booking_relation(booking_indexes[id].name);
	/* somebody may be dropping it at this moment */
	found = OidIsValid(known->oid) ? try_relation_open(known->oid, AccessShareLock) : NULL;
	known->is_usable = found != NULL && is_usable(found, &booking_indexes[id]);
	if (found != NULL)
		relation_close(found, AccessShareLock);
}

static void
remember_functions(KnownTable *known, const List *functions)
{
	int count = list_length(functions);
	uint32 *hashes = MemoryContextAlloc(TopMemoryContext, (count + 1) * sizeof(uint32));

	for (int i = 0; i < count; i++)
		hashes[i] = GetSysCacheHashValue1(PROCOID, ObjectIdGetDatum(list_nth_oid(functions, i)));
	if (known->function_hashes != NULL)
		pfree(known->function_hashes);
	known->function_hashes = hashes;
	known->function_count = count;
}

/* Learns all about the table, which is locked; what changes meanwhile is learned at the next use. */
static void
learn(Relation relation, TableId id)
{
	KnownTable *known = &known_tables[id];
	List *functions;
	SavedUserContext saved;

	booking_switch_to_owner(&saved);
	known->function_count = ANY_FUNCTION;
	booking_drop_writer(known->writer);
	known->writer = NULL;
	known->oid = RelationGetRelid(relation);
	known->owner = relation->rd_rel->relowner;
	known->is_current = true;
	PG_TRY();
	{
		known->status_type = booking_status_type();
		find_columns(relation, id);
		for (int i = 0; i < INDEX_COUNT; i++)
		{
			if (booking_indexes[i].table == id)
				find_index(i);
		}
		known->is_as_made = booking_is_as_made(relation, &functions);
		remember_functions(known, functions);
	}
	PG_CATCH();
	{
		known->is_current = false;
		PG_RE_THROW();
	}
	PG_END_TRY();
	booking_restore_user_context(&saved);
}

/*
 * Opens the table, locked, with all known of it. The lock stays to the end of the transaction, as
 * after a statement.
 */
const KnownTable *
booking_open_table(TableId id, LOCKMODE mode, Relation *relation)
{
	KnownTable *known = &known_tables[id];

	/* of a column whose type's name stands for another type now, the server tells nothing */
	if (known->is_current && known->status_type == booking_status_type())
	{
		LockRelationOid(known->oid, mode);
		/* if it were gone, or another, we would have heard of it when the lock was granted */
		if (known->is_current)
		{
			*relation = table_open(known->oid, NoLock);
			return known;
		}
		UnlockRelationOid(known->oid, mode);
	}
	listen_once();
	*relation = booking_open_relation(booking_tables[id].name, mode);
	learn(*relation, id);
	return known;
}

/* For who reads a row that the server handed over: lets the numbers of the columns be right. */
void
booking_know_table(TableId id)
{
	Relation relation;

	if (known_tables[id].is_current)
		return;
	(void) booking_open_table(id, AccessShareLock, &relation);
	table_close(relation, NoLock);
}

/* An index that is gone or unfinished proves nothing: without it, nothing may be booked. */
static void
refuse_index(const BookIndex *index)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		 errmsg("index booking.%s is missing or not valid", index->name),
		 errdetail("The extension booking finds rows of booking.%s by it.",
				   booking_tables[index->table].name),
		 errhint("Build it again: REINDEX INDEX booking.%s, or CREATE INDEX as the extension does.",
				 index->name)));
}

/*
 * Opens the table of an index that has to be there. One that was not usable may have been another one by then:
 * REINDEX CONCURRENTLY puts a new one in its place while we look for it, of which we hear when we lock the old one.
 */
const KnownIndex *
booking_require_index(IndexId id, Relation *table)
{
	const BookIndex *index = &booking_indexes[id];
	const KnownTable *known = booking_open_table(index->table, AccessShareLock, table);

	for (int i = 0; i < MOST_ATTEMPTS && !known_indexes[id].is_usable && !known->is_current; i++)
	{
		table_close(*table, NoLock);
		known = booking_open_table(index->table, AccessShareLock, table);
	}
	if (!known_indexes[id].is_usable)
		refuse_index(index);
	return &known_indexes[id];
}

/*
 * Of a table that is open. Whoever listens to what statements ask for is told by statements; and a function
 * that somebody else owns by now may do what its owner may.
 */
bool
booking_is_direct(TableId id)
{
	return booking_direct && ExecutorCheckPerms_hook == NULL && known_tables[id].is_as_made &&
		   known_tables[id].owner == booking_function_owner();
}

/* Of a table that is open, or was. */
const AttrNumber *
booking_column_numbers(TableId id)
{
	return known_tables[id].numbers;
}

/* What it takes to write to a table that is open. */
Writer *
booking_writer(TableId id, Relation relation)
{
	KnownTable *known = &known_tables[id];

	if (known->writer == NULL)
	{
		SavedUserContext saved;

		booking_switch_to_owner(&saved);
		known->writer = booking_make_writer(relation);
		booking_restore_user_context(&saved);
	}
	return known->writer;
}
