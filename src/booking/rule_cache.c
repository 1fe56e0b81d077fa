/*
 * rule_cache.c
 *		The clinics' own rules, cached by each backend. Called by clinic_rules.c and rule_list.c.
 *
 * A change of the table rules, or of any function or schema, invalidates the cache in every session by
 * the server's own invalidation messages.
 */
#include "booking/internal.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

static BookingPlan live_rules_plan = {
	"SELECT name, clinic_id, check_function FROM booking.rules"
	" WHERE deleted_at IS NULL ORDER BY \"position\", name",
	0,
	{0}};

/* This backend's cache of the list. */
static MemoryContext cache_context = NULL;
static ClinicRule *cached_rules = NULL;
static uint64 cached_count = 0;
static Oid cached_relation = InvalidOid;
static bool cache_is_valid = false;
static uint64 invalidations = 0;

static void
invalidate(void)
{
	invalidations++;
	cache_is_valid = false;
}

static void
invalidate_for_relation(Datum arg, Oid relation)
{
	if (relation == InvalidOid || relation == cached_relation)
		invalidate();
}

/* Functions are found by schema and name, so a change of either may lead to another function. */
static void
invalidate_for_name(Datum arg, int cache, uint32 hash)
{
	invalidate();
}

static Oid
row_type(const char *table)
{
	return get_rel_type_id(booking_relation(table));
}

/* Whether there is a function of that oid, and of the form that a rule's has to have. */
bool
booking_is_check_function(Oid function, Oid *owner)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc proc;
	bool fits;

	if (!HeapTupleIsValid(tuple))
		return false;
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	*owner = proc->proowner;
	fits = proc->prokind == PROKIND_FUNCTION && !proc->proretset && proc->prorettype == TEXTOID &&
		   proc->pronargs == 2 && proc->proargtypes.values[0] == row_type("time_slots") &&
		   proc->proargtypes.values[1] == row_type("patients");
	ReleaseSysCache(tuple);
	return fits;
}

/* By the system catalogs, since the extension's owner need not have USAGE of the schema. */
static Oid
find_check_function(text *qualified_name)
{
	List *names = textToQualifiedNameList(qualified_name);
	Oid types[] = {row_type("time_slots"), row_type("patients")};
	Oid schema = get_namespace_oid(strVal(linitial(names)), true);
	Oid owner;
	Oid function;

	if (!OidIsValid(schema) || list_length(names) != 2)
		return InvalidOid;
	function =
		GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(strVal(lsecond(names))),
						PointerGetDatum(buildoidvector(types, 2)), ObjectIdGetDatum(schema));
	return booking_is_check_function(function, &owner) ? function : InvalidOid;
}

/* Copies the last result. */
static ClinicRule *
copy_rules(MemoryContext context, uint64 count)
{
	ClinicRule *rules = MemoryContextAllocZero(context, Max(count, 1) * sizeof(ClinicRule));

	for (uint64 i = 0; i < count; i++)
	{
		Datum values[3];
		bool nulls[3];

		booking_row(i, values, nulls);
		rules[i].name = MemoryContextStrdup(context, booking_row_text(i, 0));
		rules[i].is_of_all_clinics = nulls[1];
		rules[i].clinic_id = nulls[1] ? 0 : DatumGetInt64(values[1]);
		rules[i].check_function = MemoryContextStrdup(context, booking_row_text(i, 2));
		rules[i].function = find_check_function(cstring_to_text(rules[i].check_function));
	}
	return rules;
}

/*
 * By the latest snapshot, even in REPEATABLE READ, since the cache outlives the transaction. If an
 * invalidation arrives meanwhile, the list is read again the next time.
 */
static void
read_rules(void)
{
	static bool is_listening = false;
	MemoryContext context;
	uint64 seen;

	if (!is_listening)
	{
		CacheRegisterRelcacheCallback(invalidate_for_relation, (Datum) 0);
		CacheRegisterSyscacheCallback(PROCOID, invalidate_for_name, (Datum) 0);
		CacheRegisterSyscacheCallback(NAMESPACEOID, invalidate_for_name, (Datum) 0);
		is_listening = true;
	}

	cached_relation = booking_relation("rules");
	seen = invalidations;
	context = AllocSetContextCreate(CurrentMemoryContext, "booking rules", ALLOCSET_SMALL_SIZES);
	PushActiveSnapshot(GetLatestSnapshot());
	cached_count = 0;
	cached_rules = copy_rules(context, booking_query(&live_rules_plan, NULL, NULL));
	PopActiveSnapshot();

	cached_count = SPI_processed;
	if (cache_context != NULL)
		MemoryContextDelete(cache_context);
	MemoryContextSetParent(context, TopMemoryContext);
	cache_context = context;
	cache_is_valid = seen == invalidations;
}

/*
 * Returns copies, since running one rule may invalidate the cache. The server accepts other sessions'
 * invalidations when it locks a table anew, which this transaction need not have done, so we do it here.
 */
List *
booking_rules_of_clinic(int64 clinic_id)
{
	List *rules = NIL;

	AcceptInvalidationMessages();
	if (!cache_is_valid)
		read_rules();
	for (uint64 i = 0; i < cached_count; i++)
	{
		ClinicRule *rule;

		if (!cached_rules[i].is_of_all_clinics && cached_rules[i].clinic_id != clinic_id)
			continue;
		rule = palloc(sizeof(ClinicRule));
		*rule = cached_rules[i];
		rule->name = pstrdup(rule->name);
		rule->check_function = pstrdup(rule->check_function);
		rules = lappend(rules, rule);
	}
	return rules;
}
