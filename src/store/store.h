/*
 * store.h
 *		The book's tables, read and written without statements where they are as the extension made them.
 *		Stands on base.
 */
#ifndef BOOKING_STORE_H
#define BOOKING_STORE_H

#include "base/base.h"

/* table.c */

#define MAX_TABLE_COLUMNS MAX_PLAN_ARGS

typedef struct BookingColumn
{
	const char *name;
	Oid type; /* InvalidOid: appointment_status, whose number differs from database to database */
} BookingColumn;

/* One of the extension's own tables, and the columns that some C code reads or writes. */
typedef struct BookingTable
{
	const char *name;
	BookingColumn columns[MAX_TABLE_COLUMNS]; /* as many as have a name */

	/* what the names stand for, while nobody has changed it */
	bool is_current;
	Oid status_type;
	Oid oid;
	Oid index_oid; /* of the index by which it is read, if it is */
	int count;     /* of the columns */
	AttrNumber numbers[MAX_TABLE_COLUMNS];

	bool is_remembered;
	struct BookingTable *next;
} BookingTable;

/* Learns what else somebody wants to know of a table that is new or has changed. */
typedef void LearnMore(Relation relation, BookingTable *table);

extern Relation booking_open_table(BookingTable *table, LOCKMODE mode, LearnMore *learn_more);

/* scan.c */

/* So many rows of a table are remembered: those of one booking, or where they are few, many. */
#define FEW_PLACES 16
#define MANY_PLACES 1024

/* Where the row with a key was seen. */
typedef struct KnownPlace
{
	int64 key;
	ItemPointerData row;
	Buffer buffer;
} KnownPlace;

struct BookingScan;

/* An index that the extension reads by itself, and the columns of the table it wants. */
typedef struct BookingIndex
{
	BookingTable table; /* first, as table.c knows nothing else */
	const char *name;
	Oid second; /* the type of its second column, where rows are not found by the first alone */
	bool is_usable;

	/* for booking_find: */
	bool is_to_update;                               /* the row that is found, nearly always */
	bool (*has_row)(const struct BookingScan *scan); /* whether it is in the index, if partial */
	int place_count;                                 /* FEW_PLACES or MANY_PLACES */
	KnownPlace *places;
} BookingIndex;

typedef struct BookingScan
{
	BookingIndex *index;
	Relation table;
	Relation relation; /* the index; NULL where the row was fetched without it */
	Snapshot snapshot;
	IndexScanDesc state;
	TupleTableSlot *row;
} BookingScan;

extern void booking_know_columns(BookingIndex *index);
extern void booking_start_scan(BookingScan *scan, BookingIndex *index, Snapshot snapshot,
							   ScanKey keys, int count);
extern bool booking_next_row(BookingScan *scan, ScanDirection direction);
extern bool booking_find(BookingScan *scan, BookingIndex *index, Snapshot snapshot, int64 key);
extern void booking_note_place(const BookingScan *scan, int64 key, const ItemPointerData *row);
extern Datum booking_column(const BookingScan *scan, int column, bool *isnull);
extern void booking_end_scan(BookingScan *scan);

/* target.c */

extern bool booking_direct;

#define MAX_VOUCHED_FOR 2
#define MAX_IDLE_TRIGGERS 4

/* A foreign key of one column to the id of a table, in which the caller has locked the row. */
typedef struct VouchedFor
{
	const char *column;
	const BookingTable *table;
	Oid referred; /* the table that the key refers to; InvalidOid when there is no key */
} VouchedFor;

/* A table with an id that the extension writes to by itself, and the columns that it gives. */
typedef struct BookingTarget
{
	BookingTable table; /* first, as table.c knows nothing else */
	VouchedFor vouched_for[MAX_VOUCHED_FOR];
	bool is_updated; /* rather than inserted into */
	/* the trigger functions that have nothing to do when only these columns are updated */
	const char *idle_triggers[MAX_IDLE_TRIGGERS];

	AttrNumber id;
	bool needs_statement;  /* it cannot be done by itself */
	bool is_plain;         /* it computes nothing, and fires nothing but what is vouched for */
	bool runs_code;        /* of somebody else's, in its expressions */
	MemoryContext context; /* of what follows */
	EState *estate;        /* in which a row is written */
	TupleTableSlot *row;   /* the one that is written */
	ExprState **defaults;  /* of all its columns */
	ExprState **checks;
	ResultRelInfo *result; /* with no relation in it */
	int index_count;
	Oid *index_oids;
	struct IndexInfo **indexes;
	Relation *open_indexes; /* those that the row is put into, and their infos */
	struct IndexInfo **open_infos;

	bool is_busy; /* being written to, perhaps running expressions */
	BookingPlan statement;
} BookingTarget;

extern Relation booking_open_target(BookingTarget *target);
extern MemoryContext booking_start_target(BookingTarget *target);
extern void booking_end_target(BookingTarget *target, MemoryContext caller);
extern void booking_put_values(const BookingTarget *target, const Datum *values, const bool *nulls);
extern ResultRelInfo *booking_result_relation(const BookingTarget *target, Relation relation);
extern ResultRelInfo *booking_result_with_triggers(const BookingTarget *target, Relation relation);
extern void booking_open_indexes(const BookingTarget *target, ResultRelInfo *result,
								 TupleTableSlot *row);

/* judge.c */

extern void booking_judge_expression(BookingTarget *target, Node *expression);
extern bool booking_compares_by_server(Relation index, int column);
extern void booking_judge_index(BookingTarget *target, Relation index);
extern void booking_judge_table(BookingTarget *target, Relation relation);
extern bool booking_runs_code(const BookingTarget *target);

/* insert.c */

/* What comes with a new row, before other people's AFTER triggers hear of it. */
typedef void FollowInsert(int64 id, const void *arg);

extern void booking_insert(BookingTarget *target, const Datum *values, const bool *nulls,
						   Datum *inserted, FollowInsert *follow, const void *arg);

/* update.c */

extern bool booking_update(BookingTarget *target, BookingScan *scan, const Datum *values,
						   const bool *nulls);
extern bool booking_share_row(BookingScan *scan);

/* status.c */

extern Oid booking_status_type(void);
extern Datum booking_status(const char *label);
extern const char *booking_status_label(Datum status);
extern bool booking_status_occupies(const char *status);

#endif /* BOOKING_STORE_H */
