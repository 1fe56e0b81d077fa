/*
 * names.c
 *		The extension's own tables and indexes, found by name. Called by every floor.
 */
#include "base/base.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "utils/lsyscache.h"

Oid
booking_relation(const char *name)
{
	return get_relname_relid(name, get_namespace_oid("booking", false));
}

/* Opens a table of the extension by its name, which may be gone, or something else's by now. */
Relation
booking_open_relation(const char *name, LOCKMODE mode)
{
	Oid oid = booking_relation(name);
	Relation relation = OidIsValid(oid) ? try_table_open(oid, mode) : NULL;

	if (relation == NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table booking.%s is missing", name),
			 errdetail("The extension booking reads and writes it."),
			 errhint(
				 "Give the table back its name and schema, or restore the book from a backup.")));
	return relation;
}
