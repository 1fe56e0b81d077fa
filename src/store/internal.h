/*
 * internal.h
 *		What the files of this folder share, and nobody else sees: tools/floors looks that they do not.
 */
#ifndef BOOKING_STORE_INTERNAL_H
#define BOOKING_STORE_INTERNAL_H

#include "store/store.h"

#include "access/relscan.h"
#include "nodes/execnodes.h"

/* tables.c */

/* As many as the widest table has; the compiler looks that they are enough. */
#define MOST_COLUMNS 16

/* The type of a column that has a status, whose number differs from database to database. */
#define STATUS_TYPE InvalidOid

typedef struct BookColumn
{
	const char *name;
	Oid type;
} BookColumn;

typedef struct BookTable
{
	const char *name;
	BookColumn columns[MOST_COLUMNS]; /* by the enum of the table in store.h; the first is the id */
	int column_count;
} BookTable;

/* So many rows of a table are remembered: those of one booking, or where they are few, many. */
#define FEW_HINTS 16
#define MANY_HINTS 1024

/* A btree, of which the first key is a bigint. */
typedef struct BookIndex
{
	const char *name;
	TableId table;
	int keys[2]; /* columns of the table */
	int key_count;
	bool is_unique;
	const char *predicate; /* of a partial index, as SQL; else NULL */
	bool is_of_occupants;  /* of slots, by their status */

	/* for booking_find: */
	int hint_count;    /* FEW_HINTS or MANY_HINTS */
	bool is_to_update; /* the row that is found, nearly always */
} BookIndex;

#define TABLE_COUNT (APPOINTMENT_EVENTS + 1)
#define INDEX_COUNT (IDEMPOTENCY_KEY_IS_USED_ONCE + 1)

extern const BookTable booking_tables[TABLE_COUNT];
extern const BookIndex booking_indexes[INDEX_COUNT];

/* definition.c */

extern bool booking_is_as_made(Relation relation, List **functions);

/* writer.c */

/* What a statement would read from the catalogs each time: what it takes to write a row. */
typedef struct Writer
{
	MemoryContext context; /* of what follows */
	EState *estate;        /* in which a row is written */
	TupleTableSlot *row;   /* the one that is written */
	ExprState **defaults;  /* of all columns of the table */
	ResultRelInfo *result; /* with no relation in it */
	int index_count;
	Oid *index_oids;
	struct IndexInfo **indexes;
	Relation *open_indexes; /* those that the row is put into, and their infos */
	struct IndexInfo **open_infos;
} Writer;

extern Writer *booking_make_writer(Relation relation);
extern void booking_drop_writer(Writer *writer);
extern MemoryContext booking_start_writer(Writer *writer, Relation relation);
extern void booking_open_indexes(Writer *writer, TupleTableSlot *row);

/* table.c */

#define ANY_FUNCTION (-1)

/* What the names of a table stand for, while nobody has changed it. */
typedef struct KnownTable
{
	bool is_current;
	Oid oid;
	Oid owner;
	Oid status_type;
	AttrNumber numbers[MOST_COLUMNS]; /* of the columns */
	bool is_as_made;
	int function_count; /* of those that its parts call; ANY_FUNCTION while that is not known */
	uint32 *function_hashes;
	Writer *writer; /* once it was written to */
} KnownTable;

typedef struct KnownIndex
{
	Oid oid;
	bool is_usable;
} KnownIndex;

extern Oid booking_type_of(const BookColumn *column);
extern const KnownTable *booking_open_table(TableId id, LOCKMODE mode, Relation *relation);
extern void booking_know_table(TableId id);
extern const KnownIndex *booking_require_index(IndexId id, Relation *table);
extern bool booking_is_direct(TableId id);
extern const AttrNumber *booking_column_numbers(TableId id);
extern Writer *booking_writer(TableId id, Relation relation);

/* row.c */

/* A row that was found, of which the values point into the slot, or to what a statement has returned. */
struct BookRow
{
	TableId table;
	IndexId index; /* by which it was found, */
	int64 key;     /* and under which key of that */
	Snapshot snapshot;
	Relation relation;    /* NULL where a statement found it, or the server handed it over */
	TupleTableSlot *slot; /* NULL where a statement found it */
	Oid relation_oid;
	ItemPointerData tid;
	Datum values[MOST_COLUMNS];
	bool nulls[MOST_COLUMNS];
};

extern void booking_read_slot(BookRow *row);
extern bool booking_has_room(const BookRow *row);

/* tid_hints.c */

extern bool booking_fetch_by_hint(BookRow *row);
extern void booking_note_hint(const BookRow *row, const ItemPointerData *tid);

/* query.c */

/* The rows that a statement has found. */
typedef struct FoundRows
{
	TupleDesc desc;
	HeapTuple *tuples;
	uint64 count;
} FoundRows;

extern void booking_run_query(IndexId index, Snapshot snapshot, const Condition *conditions,
							  int count, FoundRows *found);
extern void booking_read_found(const FoundRows *found, uint64 number, BookRow *row);

#endif /* BOOKING_STORE_INTERNAL_H */
