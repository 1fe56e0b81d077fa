/*
 * compat.h
 *		Which versions of PostgreSQL the extension is for, and all that differs between them. Included by
 *		booking.h; nothing else looks at PG_VERSION_NUM.
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

/* 18 knows it as a word that stands first. */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

/* Which indexes an update has to tell: before 16, all or none. */
#if PG_VERSION_NUM < 160000
typedef bool TU_UpdateIndexes;
#define TU_None false
#define insert_index_entries(result, row, estate, indexes) \
	ExecInsertIndexTuples(result, row, estate, false, false, NULL, NIL)
#else
#define insert_index_entries(result, row, estate, indexes) \
	ExecInsertIndexTuples(result, row, estate, false, false, NULL, NIL, (indexes) == TU_Summarizing)
#endif

/* CHECK constraints: from 18 on, some are not enforced, and a column may be computed when it is read. */
#if PG_VERSION_NUM < 180000
#define ri_CheckConstraintExprs ri_ConstraintExprs
#define is_enforced(check) true
#define expand_virtual_columns(expression, relation) (expression)
#define has_virtual_columns(constraints) false
#else
#define is_enforced(check) ((check)->ccenforced)
#define expand_virtual_columns(expression, relation) \
	expand_generated_columns_in_expr(expression, relation, 1)
#define has_virtual_columns(constraints) ((constraints)->has_generated_virtual)
#endif

/* Where the files of a table are named. */
#if PG_VERSION_NUM < 160000
#define rd_locator rd_node
#endif

#if PG_VERSION_NUM < 180000
#define begin_index_scan(table, index, snapshot, key_count) \
	index_beginscan(table, index, snapshot, key_count, 0)
#else
#define begin_index_scan(table, index, snapshot, key_count) \
	index_beginscan(table, index, snapshot, NULL, key_count, 0)
#endif

#endif /* BOOKING_COMPAT_H */
