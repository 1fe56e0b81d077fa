/*
 * compat.h
 *		Which versions of PostgreSQL the extension is for, and all that differs between them. Included
 *		by base.h; nothing else looks at PG_VERSION_NUM.
 */
#ifndef BOOKING_COMPAT_H
#define BOOKING_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "booking needs PostgreSQL 15 or later"
#endif

/* Rows are written without statements on versions where that was tested. */
#if PG_VERSION_NUM < 200000
#define VERSION_IS_TESTED true
#elif defined(BOOKING_TRY_UNTESTED)
#define VERSION_IS_TESTED false
#else
#error "not tested on this version of PostgreSQL; to try it: make COPT=-DBOOKING_TRY_UNTESTED"
#endif

/* From 18 on, the server has it, as a word that stands first. */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

/* Which indexes get an entry in an update; before 16 it is all or none. */
#if PG_VERSION_NUM < 160000
typedef bool TU_UpdateIndexes;
#define TU_None false
#define insert_index_entries(result, row, estate, indexes) \
	ExecInsertIndexTuples(result, row, estate, false, false, NULL, NIL)
#elif PG_VERSION_NUM < 190000
#define insert_index_entries(result, row, estate, indexes) \
	ExecInsertIndexTuples(result, row, estate, false, false, NULL, NIL, (indexes) == TU_Summarizing)
#else
#define insert_index_entries(result, row, estate, indexes) \
	ExecInsertIndexTuples(result, estate, (indexes) == TU_Summarizing ? EIIT_ONLY_SUMMARIZING : 0, \
						  row, NIL, NULL)
#endif

/* From 19 on, these take options, of which we want none. */
#if PG_VERSION_NUM < 190000
#define make_tuple_slot(desc, kind) MakeTupleTableSlot(desc, kind)
#define update_tuple(table, tid, row, snapshot, failure, lock, indexes) \
	table_tuple_update(table, tid, row, GetCurrentCommandId(true), snapshot, InvalidSnapshot, \
					   true, failure, lock, indexes)
#else
#define make_tuple_slot(desc, kind) MakeTupleTableSlot(desc, kind, 0)
#define update_tuple(table, tid, row, snapshot, failure, lock, indexes) \
	table_tuple_update(table, tid, row, GetCurrentCommandId(true), 0, snapshot, InvalidSnapshot, \
					   true, failure, lock, indexes)
#endif

/* 18 tells CHECK constraints from NOT NULL, which it has among the constraints. */
#if PG_VERSION_NUM < 180000
#define ri_CheckConstraintExprs ri_ConstraintExprs
#define CONSTRAINT_NOTNULL 'n'
#endif

/* Where the files of a table are named. */
#if PG_VERSION_NUM < 160000
#define rd_locator rd_node
#endif

/* 18 has an argument for what EXPLAIN counts, 19 one for options; we want neither. */
#if PG_VERSION_NUM < 180000
#define begin_index_scan(table, index, snapshot, key_count) \
	index_beginscan(table, index, snapshot, key_count, 0)
#elif PG_VERSION_NUM < 190000
#define begin_index_scan(table, index, snapshot, key_count) \
	index_beginscan(table, index, snapshot, NULL, key_count, 0)
#else
#define begin_index_scan(table, index, snapshot, key_count) \
	index_beginscan(table, index, snapshot, NULL, key_count, 0, SO_NONE)
#endif

/* From 19 on, the planner is told of EXPLAIN, and hooks may not change a parsed query's jumble. */
#if PG_VERSION_NUM < 190000
#define PLANNER_PARAMETERS Query *query, const char *sql, int options, ParamListInfo params
#define PLANNER_ARGUMENTS query, sql, options, params
typedef struct JumbleState *JumbledQuery;
#else
#define PLANNER_PARAMETERS \
	Query *query, const char *sql, int options, ParamListInfo params, struct ExplainState *explain
#define PLANNER_ARGUMENTS query, sql, options, params, explain
typedef const struct JumbleState *JumbledQuery;
#endif

/* Tells which kind of abbreviation a name is; from 16 on, it reports a misconfigured one. */
#if PG_VERSION_NUM < 160000
#define decode_zone_abbreviation(name, type, offset, zone) \
	((*(type) = DecodeTimezoneAbbrev(0, name, offset, zone)), 0)
#else
#define decode_zone_abbreviation(name, type, offset, zone) \
	DecodeTimezoneAbbrev(0, name, type, offset, zone, &(DateTimeErrorExtra){0})
#endif

#endif /* BOOKING_COMPAT_H */
