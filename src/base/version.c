/*
 * version.c
 *		Whether this library and what is installed in the database are of one version. Called by
 *		every function that SQL calls, before it reads its arguments.
 *
 * They differ between the installation of a new package and ALTER EXTENSION UPDATE. After it they differ
 * in a session that has loaded the old library. Functions and tables may then be other than this library
 * takes them for, and to misread an argument can take the server down.
 */
#include "base/base.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/*
 * Of functions and tables. There is no message of a new version itself, but an update that changes no
 * function and no table leaves nothing that the library could misread.
 */
static uint64 invalidations = 1;
static uint64 agreed_at = 0; /* the number of invalidations when the versions were last the same */

static void
count_function_invalidation(Datum arg, int cache, uint32 hash)
{
	invalidations++;
}

static void
count_relation_invalidation(Datum arg, Oid relation)
{
	invalidations++;
}

/* NULL when there is none, or when its own script is running. */
static char *
installed_version(void)
{
	Relation extensions = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple row;
	char *version = NULL;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum("booking"));
	scan = systable_beginscan(extensions, ExtensionNameIndexId, true, NULL, 1, &key);
	row = systable_getnext(scan);
	if (HeapTupleIsValid(row) &&
		!(creating_extension &&
		  CurrentExtensionObject == ((Form_pg_extension) GETSTRUCT(row))->oid))
	{
		bool isnull;

		version = TextDatumGetCString(
			heap_getattr(row, Anum_pg_extension_extversion, RelationGetDescr(extensions), &isnull));
	}
	systable_endscan(scan);
	table_close(extensions, AccessShareLock);
	return version;
}

static bool
is_before(const char *version, const char *other)
{
	int a[3] = {0};
	int b[3] = {0};

	(void) sscanf(version, "%d.%d.%d", &a[0], &a[1], &a[2]);
	(void) sscanf(other, "%d.%d.%d", &b[0], &b[1], &b[2]);
	for (int i = 0; i < lengthof(a); i++)
	{
		if (a[i] != b[i])
			return a[i] < b[i];
	}
	return false;
}

static void
compare_versions(void)
{
	static bool is_listening = false;
	uint64 seen;
	char *installed;

	if (!is_listening)
	{
		CacheRegisterSyscacheCallback(PROCOID, count_function_invalidation, (Datum) 0);
		CacheRegisterRelcacheCallback(count_relation_invalidation, (Datum) 0);
		is_listening = true;
	}

	seen = invalidations;
	installed = installed_version();
	if (installed == NULL)
		return;
	if (strcmp(installed, BOOKING_VERSION) != 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg(
				 "the library of extension booking is version %s, but version %s is installed in this database",
				 BOOKING_VERSION, installed),
			 is_before(installed, BOOKING_VERSION)
				 ? errhint("Run ALTER EXTENSION booking UPDATE in this database, as a superuser.")
				 : errhint(
					   "Connect again: a session keeps the library that it has loaded, and a server "
					   "that preloads it has to be restarted. If that does not help, install "
					   "version %s of the package on this server first.",
					   installed)));
	agreed_at = seen;
}

/* Looks once a session, and again after what may have been an update. */
void
booking_check_version(void)
{
	AcceptInvalidationMessages();
	if (agreed_at != invalidations)
		compare_versions();
}
