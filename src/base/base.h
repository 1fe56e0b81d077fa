/*
 * base.h
 *		What all floors stand on: running SQL as the right user, refusals, locks, texts, local time.
 */
#ifndef BOOKING_BASE_H
#define BOOKING_BASE_H

#include "postgres.h"

#include "compat.h"

#include "access/genam.h"
#include "catalog/pg_type_d.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "nodes/execnodes.h"
#include "pgtime.h"
#include "storage/buf.h"
#include "storage/lock.h"
#include "utils/date.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

/* The last three digits are the HTTP status with which PostgREST answers. */
#define ERRCODE_BOOKING_MALFORMED MAKE_SQLSTATE('P', 'T', '4', '0', '0')
#define ERRCODE_BOOKING_NOT_FOUND MAKE_SQLSTATE('P', 'T', '4', '0', '4')
#define ERRCODE_BOOKING_CONFLICT MAKE_SQLSTATE('P', 'T', '4', '0', '9')
#define ERRCODE_BOOKING_GONE MAKE_SQLSTATE('P', 'T', '4', '1', '0')
#define ERRCODE_BOOKING_UNPROCESSABLE MAKE_SQLSTATE('P', 'T', '4', '2', '2')

/* As slot_lasts_5_minutes_to_8_hours has it. */
#define SHORTEST_SLOT_MINUTES 5
#define LONGEST_SLOT_MINUTES 480
#define LONGEST_SLOT_SQL "interval '" CppAsString2(LONGEST_SLOT_MINUTES) " minutes'"

/* characters.c */

/* Classes of characters; characters.c says which of Unicode's properties they stand for. */
#define CONTROL_CHARACTER 0x01
#define BLANK_CHARACTER 0x02
#define HIDDEN_CHARACTER 0x04
#define ATTACHED_CHARACTER 0x08

typedef struct Character
{
	uint32 code;
	int length; /* in bytes */
	int classes;
	bool is_byte; /* of no character; code is the byte then */
} Character;

extern void booking_know_encoding(void);
extern void booking_read_character(const char *text, int length, Character *character);

/* visible.c */

extern Datum booking_watch_errors(FunctionCallInfo fcinfo, PGFunction body);
extern void booking_note_clean_error(void);
extern bool booking_has_control_character(const char *string);
extern const char *booking_visible(const char *string);
extern bool booking_text_has_control_character(const text *text);

/* counters.c */

extern void booking_install_counters(void);
extern void booking_count_refusal(const char *rule);
extern int booking_next_count(int number, const char **rule, uint64 *refusals);

/* refusals.c */

#define REFUSAL(name, ...) name,
typedef enum RefusalName
{
#include "base/refusallist.h"
} RefusalName;
#undef REFUSAL

/* How the catalogue words a refusal. A field of the Refusal stands in braces until it is filled in. */
typedef struct RefusalWords
{
	const char *rule;
	int sqlstate;
	const char *table; /* NULL where none is concerned */
	const char *message;
	const char *detail;
	const char *hint;
	bool is_overrulable;        /* the rule, by staff */
	bool is_constraint;         /* a constraint of the rule's name stands for it */
	const char *constraints[3]; /* so do these */
} RefusalWords;

/* A refusal, and what its words leave open. */
typedef struct Refusal
{
	RefusalName which;
	int64 id;
	int64 slot_id;
	int64 appointment_id;
	int64 clinic_id;
	int64 doctor_id;
	int64 number;
	int64 least;
	int64 most;
	int64 count; /* {s} is the s of its plural, and nothing for 1 */
	const char *name;
	const char *what;
	const char *function;
	const char *table;
	const char *clinic;
	const char *doctor;
	const char *status;
	const char *new_status;
	const char *start_time;
	const char *end_time;
	const char *zone;
	TimestampTz starts_at; /* instants are put into the zone */
	TimestampTz from;
	TimestampTz until;
} Refusal;

extern const RefusalWords booking_catalogue[];
extern RefusalWords booking_words(const Refusal *refusal);
extern bool booking_find_violation(const char *constraint, RefusalName *violated);

/* refuse.c */

/* Raises a refusal: its name, and what its words leave open, such as .slot_id = 1. */
#define booking_refuse(...) booking_raise(&(Refusal){__VA_ARGS__})

pg_noreturn extern void booking_raise(const Refusal *refusal);
pg_noreturn extern void booking_raise_again(void);
pg_noreturn extern void booking_refuse_value(const char *column);

/* version.c */

extern void booking_check_version(void);

/* names.c */

struct BookingPlan;

/* A kind of row that users name by its id. */
typedef struct Entity
{
	const char *name;
	const char *table;
	RefusalName unknown;
	struct BookingPlan *find_live; /* by its id */
} Entity;

extern const Entity booking_clinic;
extern const Entity booking_doctor;
extern const Entity booking_patient;
extern const Entity booking_slot;

extern Oid booking_relation(const char *name);
extern Relation booking_open_relation(const char *name, LOCKMODE mode);

/* user_context.c */

/* A function of ours that is running. */
typedef struct Frame
{
	Oid function;
	Oid caller;       /* for whom it acts */
	Oid owner;        /* of the function; InvalidOid before that is looked up */
	bool is_switched; /* to the owner, for the whole of its body */
	struct Frame *outer;
} Frame;

/* The user context before it was switched. */
typedef struct SavedUserContext
{
	Oid userid;
	int sec_context;
	int guc_nestlevel; /* 0 when there was nothing to switch */
	Frame *frame;
} SavedUserContext;

extern Oid booking_calling_user(void);
extern Oid booking_function_owner(void);
extern void booking_switch_to_owner(SavedUserContext *saved);
extern void booking_restore_user_context(const SavedUserContext *saved);
extern void booking_start_restricted_operation(Oid user, SavedUserContext *saved);
extern void booking_end_restricted_operation(const SavedUserContext *saved);
extern void booking_open_frame(Frame *new, Oid function);
extern void booking_close_frame(const Frame *closed);

/* planner.c */

extern void booking_install_planner_hook(void);
extern const char *booking_note_running(const char *sql);

/* sql.c */

#define MAX_PLAN_ARGS 16

/*
 * For searches, which take longer to plan than to run. By itself, the server would plan one anew at each
 * call: to it, the same plan seems a little dearer where the arguments are not known.
 */
#define READ_PLAN CURSOR_OPT_GENERIC_PLAN

/* A statement whose plan is made at its first use and kept for the session. */
typedef struct BookingPlan
{
	const char *sql;
	int nargs;
	Oid argtypes[MAX_PLAN_ARGS];
	SPIPlanPtr plan;
	int options; /* READ_PLAN and the like; 0 leaves it to the server */
} BookingPlan;

extern void booking_require_writable(FunctionCallInfo fcinfo);
extern void booking_start_writing(FunctionCallInfo fcinfo);
extern void booking_check_restricted_operation(const char *command);
extern uint64 booking_execute(BookingPlan *plan, Datum *values, const char *nulls);
extern uint64 booking_execute_queueing_triggers(BookingPlan *plan, Datum *values,
												const char *nulls);
extern uint64 booking_execute_latest(BookingPlan *plan, Datum *values, const char *nulls);
extern uint64 booking_query_at(BookingPlan *plan, Datum *values, const char *nulls,
							   Snapshot snapshot);
extern uint64 booking_query(BookingPlan *plan, Datum *values, const char *nulls);
pg_noreturn extern void booking_refuse_kept_out(void);
extern void booking_require_written(uint64 rows, uint64 wanted);
extern void booking_require_none_left(BookingPlan *query, Datum *values, const char *nulls);
extern void booking_row(uint64 number, Datum *values, bool *nulls);
extern char *booking_row_text(uint64 number, int column);
extern Datum booking_ids_as_array(Datum *ids, int count);
extern Datum booking_value(void);
extern Datum booking_returned_row(void);
extern void booking_check_returned_type(FunctionCallInfo fcinfo, Datum result);
extern ReturnSetInfo *booking_start_set(FunctionCallInfo fcinfo);
extern void booking_return_set(FunctionCallInfo fcinfo);
extern void booking_return_set_of_rows(FunctionCallInfo fcinfo);

/* entry.c */

/* As which user the body of a function starts. */
typedef enum RunAs
{
	AS_CALLER,
	AS_OWNER
} RunAs;

extern Datum booking_run(FunctionCallInfo fcinfo, PGFunction body, RunAs run_as);

/* Starts the definition of a function that SQL calls, which runs as its owner. */
#define BOOKING_FUNCTION(name) BOOKING_ENTRY(name, AS_OWNER)

/* The same, but it runs as its caller until booking_switch_to_owner. */
#define BOOKING_FUNCTION_AS_CALLER(name) BOOKING_ENTRY(name, AS_CALLER)

#define BOOKING_ENTRY(name, run_as) \
	static Datum name##_itself(PG_FUNCTION_ARGS); \
	PG_FUNCTION_INFO_V1(name); \
	Datum name(PG_FUNCTION_ARGS) \
	{ \
		booking_check_version(); \
		return booking_run(fcinfo, name##_itself, run_as); \
	} \
	static Datum name##_itself(PG_FUNCTION_ARGS)

/* text.c */

extern Datum booking_trim(Datum datum);
extern Datum booking_tidy_email(Datum datum);

/* args.c */

extern void booking_require(FunctionCallInfo fcinfo, int argument, const char *name);
extern void booking_require_between(int64 number, int64 least, int64 most, RefusalName otherwise);
extern void booking_require_text(const text *text, int most, RefusalName otherwise);

/* lock.c */

/* Field 4 of the lock tag, objsubid in pg_locks; in the order in which they are taken. */
typedef enum LockClass
{
	SLOT_LOCK = 28001,
	PATIENT_LOCK = 28002,
	CALENDAR_LOCK = 28003,
	MAINTENANCE_LOCK = 28004
} LockClass;

/* What is done with a doctor's calendar: only closing it keeps bookings out. */
#define CALENDAR_BOOK RowShareLock
#define CALENDAR_EDIT ShareUpdateExclusiveLock
#define CALENDAR_CLOSE ExclusiveLock

extern void booking_lock(LockClass class, int64 id, LOCKMODE mode);
extern bool booking_try_lock(LockClass class, int64 id, LOCKMODE mode);
extern void booking_unlock(LockClass class, int64 id, LOCKMODE mode);
extern void booking_share_clinic(int64 clinic_id);
extern void booking_close_doctor(int64 doctor_id);
extern void booking_close_clinic(int64 clinic_id);

/* trigger.c */

/* When a trigger function may be called; a write is an INSERT or an UPDATE. */
typedef enum TriggerUse
{
	BEFORE_ROW_WRITE,
	BEFORE_ROW_UPDATE,
	AFTER_ROW_WRITE,
	AFTER_ROW_UPDATE,
	AFTER_ANY_CHANGE,
	FOR_ROW_OF_CALLER /* before it is written, or instead; deleting, too */
} TriggerUse;

extern TriggerData *booking_trigger(FunctionCallInfo fcinfo, TriggerUse use, const char *table);
extern int booking_trigger_depth(void);
extern int booking_column_number(TupleDesc desc, const char *name);
extern int booking_column_of_type(TupleDesc desc, const char *name, Oid type);

/* guard.c */

/* The snapshot of booking_execute, or that of booking_execute_latest. */
typedef enum WhichSnapshot
{
	OWN_SNAPSHOT,
	LATEST_SNAPSHOT
} WhichSnapshot;

extern uint64 booking_execute_unguarded(BookingPlan *plan, Datum *values, const char *nulls,
										WhichSnapshot snapshot);
extern bool booking_guard_is_off(void);

/* local_time.c */

extern pg_tz *booking_zone(const char *name);
extern TimestampTz booking_plus_in_zone(TimestampTz instant, const Interval *span,
										const char *time_zone);
extern void booking_require_date(DateADT date);
extern Datum booking_known_zone(Datum name);
extern TimestampTz booking_day_start(DateADT date, pg_tz *zone);
extern DateADT booking_local_date(TimestampTz instant, pg_tz *zone);

#endif /* BOOKING_BASE_H */
