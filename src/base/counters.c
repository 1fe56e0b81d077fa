/*
 * counters.c
 *		How often each rule refused, counted in shared memory: a refused transaction writes nothing.
 *		Called by refuse.c to count, by upkeep to read the counts, and by the server at its start.
 *
 * There is shared memory only where the library is in shared_preload_libraries; elsewhere nothing
 * is counted. The counts are of the running server: a restart, or a crash, begins them anew.
 */
#include "base/base.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

/* Room for the rules of a few databases, clinics' own included. The rest is counted as "other". */
#define MOST_RULES 256

typedef struct RuleCount
{
	Oid database;
	char rule[NAMEDATALEN];
	pg_atomic_uint64 refusals;
} RuleCount;

typedef struct Counters
{
	LWLock *lock; /* for adding a rule */
	pg_atomic_uint32 rule_count;
	RuleCount rules[MOST_RULES]; /* the first rule_count of them have their names for good */
	pg_atomic_uint64 other;
} Counters;

/* NULL where nothing is counted. */
static Counters *counters = NULL;

static shmem_request_hook_type prev_shmem_request_hook = NULL;
static shmem_startup_hook_type prev_shmem_startup_hook = NULL;

static void
request_memory(void)
{
	if (prev_shmem_request_hook)
		prev_shmem_request_hook();
	RequestAddinShmemSpace(MAXALIGN(sizeof(Counters)));
	RequestNamedLWLockTranche("booking", 1);
}

static void
attach_memory(void)
{
	bool found;

	if (prev_shmem_startup_hook)
		prev_shmem_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	counters = ShmemInitStruct("booking refusals", sizeof(Counters), &found);
	if (!found)
	{
		memset(counters, 0, sizeof(Counters));
		counters->lock = &GetNamedLWLockTranche("booking")->lock;
		pg_atomic_init_u32(&counters->rule_count, 0);
		for (int i = 0; i < MOST_RULES; i++)
			pg_atomic_init_u64(&counters->rules[i].refusals, 0);
		pg_atomic_init_u64(&counters->other, 0);
	}
	LWLockRelease(AddinShmemInitLock);
}

void
booking_install_counters(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	prev_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = request_memory;
	prev_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = attach_memory;
}

static RuleCount *
find_rule(const char *rule)
{
	uint32 count = pg_atomic_read_u32(&counters->rule_count);

	/* as add_rule does it the other way round: a rule is written before it is within the count */
	pg_read_barrier();
	for (uint32 i = 0; i < count; i++)
	{
		if (counters->rules[i].database == MyDatabaseId &&
			strcmp(counters->rules[i].rule, rule) == 0)
			return &counters->rules[i];
	}
	return NULL;
}

/* NULL when there is no more room. */
static RuleCount *
add_rule(const char *rule)
{
	RuleCount *added;

	LWLockAcquire(counters->lock, LW_EXCLUSIVE);
	added = find_rule(rule); /* somebody may have been faster */
	if (added == NULL && pg_atomic_read_u32(&counters->rule_count) < MOST_RULES)
	{
		added = &counters->rules[pg_atomic_read_u32(&counters->rule_count)];
		added->database = MyDatabaseId;
		strlcpy(added->rule, rule, NAMEDATALEN);
		pg_write_barrier();
		pg_atomic_fetch_add_u32(&counters->rule_count, 1);
	}
	LWLockRelease(counters->lock);
	return added;
}

void
booking_count_refusal(const char *rule)
{
	char name[NAMEDATALEN];
	RuleCount *counted;

	if (counters == NULL)
		return;
	strlcpy(name, rule, pg_mbcliplen(rule, strlen(rule), NAMEDATALEN - 1) + 1);
	counted = find_rule(name);
	if (counted == NULL)
		counted = add_rule(name);
	pg_atomic_fetch_add_u64(counted ? &counted->refusals : &counters->other, 1);
}

/*
 * Reads the next count of this database, from a number on, and returns the number to go on from; -1 when
 * there is no more. The last count is "other".
 */
int
booking_next_count(int number, const char **rule, uint64 *refusals)
{
	int count = counters ? (int) pg_atomic_read_u32(&counters->rule_count) : -1;

	pg_read_barrier();
	while (number < count && counters->rules[number].database != MyDatabaseId)
		number++;
	if (number > count)
		return -1;
	*rule = number < count ? counters->rules[number].rule : "other";
	*refusals =
		pg_atomic_read_u64(number < count ? &counters->rules[number].refusals : &counters->other);
	return number + 1;
}
