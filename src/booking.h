/*
 * booking.h
 *		What the files of the extension share; prototypes stand under the file that has them.
 */
#ifndef BOOKING_H
#define BOOKING_H

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

/* The statuses that occupy a time slot, as the predicate of unique_timeslot has them. */
#define OCCUPYING_STATUSES "('pending', 'booked', 'arrived', 'checked-in', 'fulfilled', 'noshow')"

/* As slot_lasts_5_minutes_to_8_hours has it; SQL text says interval '8 hours'. */
#define SHORTEST_SLOT_MINUTES 5
#define LONGEST_SLOT_MINUTES 480

/*
 * SQL that adds a span to an instant: its months and days by the calendar of a zone, which the
 * session's own would do as well, but need not be the clinic's.
 */
#define PLUS_IN_ZONE(instant, span, zone) \
	"CASE WHEN " span " < interval '1 day' THEN " instant " + " span " ELSE (" instant \
	" AT TIME ZONE " zone " + date_trunc('day', " span ")) AT TIME ZONE " zone " + (" span \
	" - date_trunc('day', " span ")) END"

/* From when until when a slot of a clinic c has to start to be booked now. */
#define EARLIEST_START(now) PLUS_IN_ZONE(now, "c.min_notice", "c.time_zone")
#define LATEST_START(now) \
	"CASE WHEN c.booking_horizon IS NULL THEN 'infinity' ELSE " PLUS_IN_ZONE( \
		now, "c.booking_horizon", "c.time_zone") " END"

/* version.c */

extern void booking_check_version(void);

/* characters.c */

/* The classes of a character, as Unicode has it; characters.c says which these are. */
#define CONTROL_CHARACTER 0x01
#define BLANK_CHARACTER 0x02
#define HIDDEN_CHARACTER 0x04
#define ATTACHED_CHARACTER 0x08

typedef struct Character
{
	uint32 code;
	int length; /* in bytes */
	int classes;
	bool is_byte; /* that is no character; then it is the code */
} Character;

extern void booking_know_encoding(void);
extern void booking_read_character(const char *text, int length, Character *character);

/* text.c */

extern Datum booking_watch_errors(FunctionCallInfo fcinfo, PGFunction body);
extern void booking_note_clean_error(void);
extern bool booking_has_control_character(const char *string);
extern const char *booking_visible(const char *string);
extern void booking_require_no_control(const text *text, const char *table);
extern Datum booking_trim(Datum datum);
extern Datum booking_tidy_address(Datum datum);

/* refuse.c */

/* Why something is refused; table is NULL where no table is concerned. */
typedef struct Refusal
{
	int sqlstate;
	const char *rule;
	const char *table;
	const char *message;
	const char *detail;
	const char *hint;
} Refusal;

struct BookingPlan;

/* A kind of thing that ids name. */
typedef struct Entity
{
	const char *name;
	const char *table;
	const char *exists_rule;
	const char *find_hint;
	struct BookingPlan *find_live; /* by its id; NULL for appointments, which stay */
} Entity;

extern const Entity booking_clinic;
extern const Entity booking_doctor;
extern const Entity booking_patient;
extern const Entity booking_slot;
extern const Entity booking_appointment;

pg_noreturn extern void booking_refuse(const Refusal *refusal);
pg_noreturn extern void booking_refuse_unknown(const Entity *entity, int64 id);
pg_noreturn extern void booking_refuse_violation(const char *rule, const char *table);
pg_noreturn extern void booking_raise_again(void);
extern void booking_require(FunctionCallInfo fcinfo, int argument, const char *name);

/* counters.c */

extern void booking_request_counters(void);
extern void booking_count_refusal(const char *rule);

/* authority.c */

/* With whose rights the body of a function starts. */
typedef enum Rights
{
	CALLERS_RIGHTS,
	OWNERS_RIGHTS
} Rights;

struct Frame;

/* Whose rights, and which settings, were in force before. */
typedef struct Authority
{
	Oid user;
	int security;
	int guc_level; /* 0 when there was nothing to take on */
	struct Frame *frame;
} Authority;

extern Datum booking_run(FunctionCallInfo fcinfo, PGFunction body, Rights rights);
/* Starts the definition of a function that SQL calls, which runs with its owner's rights. */
#define BOOKING_FUNCTION(name) BOOKING_ENTRY(name, OWNERS_RIGHTS)

/* The same with its caller's, until it takes on its owner's: booking_take_authority. */
#define BOOKING_FUNCTION_AS_CALLER(name) BOOKING_ENTRY(name, CALLERS_RIGHTS)

#define BOOKING_ENTRY(name, rights) \
	static Datum name##_itself(PG_FUNCTION_ARGS); \
	PG_FUNCTION_INFO_V1(name); \
	Datum name(PG_FUNCTION_ARGS) \
	{ \
		booking_check_version(); \
		return booking_run(fcinfo, name##_itself, rights); \
	} \
	static Datum name##_itself(PG_FUNCTION_ARGS)

extern Oid booking_calling_user(void);
extern void booking_take_authority(Authority *callers);
extern void booking_leave_authority(const Authority *callers);
extern void booking_become_restricted(Oid user, Authority *before);
extern void booking_leave_restricted(const Authority *before);

/* planner.c */

extern void booking_install_planner(void);
extern const char *booking_note_running(const char *sql);

/* plan.c */

#define MAX_PLAN_ARGS 10

/*
 * For searches: planning one anew for its arguments takes longer than running it, and the server
 * goes on doing so when it takes the same plan for a little dearer without them.
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
extern void booking_prevent_in_rule(const char *command);
extern uint64 booking_execute(BookingPlan *plan, Datum *values, const char *nulls);
extern uint64 booking_execute_untriggered(BookingPlan *plan, Datum *values, const char *nulls);
extern uint64 booking_execute_now(BookingPlan *plan, Datum *values, const char *nulls);
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
	Oid oid;
	Oid index_oid; /* of the index by which it is read, if it is */
	int count;     /* of the columns */
	AttrNumber numbers[MAX_TABLE_COLUMNS];

	bool is_remembered;
	struct BookingTable *next;
} BookingTable;

/* Learns what else somebody wants to know of a table that is new or has changed. */
typedef void LearnMore(Relation relation, BookingTable *table);

extern Oid booking_relation(const char *name);
extern Relation booking_open_relation(const char *name, LOCKMODE mode);
extern void booking_forget_tables(void);
pg_noreturn extern void booking_refuse_value(const char *column);
extern Relation booking_open_table(BookingTable *table, LOCKMODE mode, LearnMore *learn_more);

/* status.c */

extern Oid booking_status_type(void);
extern Datum booking_status(const char *label);
extern const char *booking_status_label(Datum status);
extern bool booking_status_occupies(const char *status);

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

/* limits.c */

extern int booking_max_rows_changed_by_patients;
extern int booking_max_rows_changed_by_staff;

/* requests.c */

extern bool booking_guard_requests;
extern void booking_watch_requests(void);

/* identity.c */

/* Who the caller is, by role and by the request's JWT claims. */
typedef struct Caller
{
	Oid user;
	char *role;    /* the user's name, once it was asked for: booking_name_caller */
	char *subject; /* NULL when there are no claims */
	bool is_admin;
	bool is_staff;   /* of clinic_ids */
	bool is_patient; /* the one of patient_id, by role and claim */
	bool has_patient_id;
	int64 patient_id;
	int64 *clinic_ids;
	int clinic_count;
} Caller;

extern bool booking_has_role(Oid user, const char *role);
extern void booking_caller(Caller *caller);
extern void booking_name_caller(Caller *caller);
extern Datum booking_clinic_ids(const Caller *caller);
extern void booking_require_may_book(const Caller *caller, int64 patient_id);
extern void booking_require_may_book_at(const Caller *caller, int64 patient_id, int64 clinic_id);
extern void booking_require_may_change(const Caller *caller, int64 appointment_id, int64 patient_id,
									   int64 clinic_id);
pg_noreturn extern void booking_refuse_appointment(const Caller *caller, int64 appointment_id);
extern void booking_require_clinic(int64 clinic_id);
extern void booking_require_staff(const char *message);
extern void booking_require_admin(void);

/* calendar.c */

/* Working hours by the wall clock, and how they are cut into slots. */
typedef struct Hours
{
	TimeADT start_time;
	TimeADT end_time;
	int32 slot_minutes;
	int32 gap_minutes;
} Hours;

/* Time between two instants. */
typedef struct Stretch
{
	TimestampTz starts_at;
	TimestampTz ends_at;
} Stretch;

typedef struct Stretches
{
	Stretch *list;
	int count;
	int room;
} Stretches;

typedef struct Doctor
{
	int64 id;
	int64 clinic_id;
	char *time_zone;
	pg_tz *zone;
	bool is_active; /* and the clinic is */
} Doctor;

extern void booking_find_doctor(int64 doctor_id, Doctor *doctor);
extern void booking_require_active(const Doctor *doctor);
extern TimestampTz booking_day_start(DateADT date, pg_tz *zone);
extern DateADT booking_local_date(TimestampTz instant, pg_tz *zone);
extern void booking_add_stretch(Stretches *stretches, TimestampTz starts_at, TimestampTz ends_at);
extern void booking_cut_session(DateADT date, const Hours *hours, pg_tz *zone, Stretches *slots);
extern void booking_insert_slots(const Doctor *doctor, const Stretches *slots);
extern void booking_check_hours(const Hours *hours);
extern void booking_check_not_too_far(DateADT date, DateADT today);

/* generate.c */

typedef struct GeneratedSlots
{
	int64 added;
	int64 clashes; /* left out since they would overlap others */
} GeneratedSlots;

extern void booking_generate_days(int64 doctor_id, DateADT first, DateADT last,
								  GeneratedSlots *generated);
extern void booking_notice_clashes(const GeneratedSlots *generated);
extern void booking_generate_again(int64 doctor_id);

/* overlap.c */

extern void booking_read_slots(int64 doctor_id, const Stretch *stretch, Stretches *slots);

/* time_off.c */

#define LONGEST_RANGE_DAYS (5 * 366)

/* The time off that a slot s is in; it overlaps as slots of a doctor do. */
#define TIME_OFF_OF_SLOT_SQL \
	"(SELECT o.id FROM booking.time_off o" \
	" WHERE o.clinic_id = s.clinic_id AND (o.doctor_id IS NULL OR o.doctor_id = s.doctor_id)" \
	" AND o.starts_at < s.ends_at AND o.ends_at > s.starts_at AND o.deleted_at IS NULL" \
	" ORDER BY o.id LIMIT 1)"

extern void booking_find_time_off(const Doctor *doctor, TimestampTz starts_at, TimestampTz ends_at,
								  Stretches *off);
extern bool booking_is_longer(TimestampTz from, TimestampTz until, int days);
extern Datum booking_time_off_of_slot(int64 slot_id, char *null);
extern void booking_check_not_off(const Doctor *doctor, TimestampTz starts_at, TimestampTz ends_at);

/* local_time.c */

extern pg_tz *booking_zone(const char *name);
extern TimestampTz booking_plus_in_zone(TimestampTz instant, const Interval *span,
										const char *time_zone);
extern char *booking_local_time(TimestampTz instant, const char *time_zone);
extern void booking_require_date(DateADT date);
extern Datum booking_known_zone(Datum name);

/* facts.c */

/* What a caller asks for: a slot, for a patient if one was named. */
typedef struct BookingRequest
{
	int64 slot_id;
	bool has_patient;
	int64 patient_id;
	bool moves_appointment; /* there, from another slot */
	int64 appointment_id;   /* when it does */
	text *idempotency_key;  /* NULL when there is none */
} BookingRequest;

/* Everything a rule may look at, gathered at one moment. */
typedef struct BookingFacts
{
	BookingRequest request;
	TimestampTz now;

	/* what a look that is to be written after keeps at hand */
	Snapshot snapshot;
	BookingScan slot;
	BookingScan patient;

	bool slot_exists;
	int64 clinic_id;
	int64 doctor_id;
	TimestampTz starts_at;
	TimestampTz ends_at;
	bool is_available;
	bool is_held; /* by its mark; whose hold that is, its occupant tells */

	char *clinic_name;
	char *time_zone;
	bool clinic_is_active;
	Interval min_notice;
	bool has_horizon;
	Interval booking_horizon;
	Interval hold_duration;

	char *doctor_name;
	bool doctor_is_active;

	bool patient_exists;
	bool patient_is_active;
	bool patient_is_elsewhere;

	/* The appointment that unique_timeslot lets there be one of; an expired hold is one. */
	bool has_occupant;
	int64 occupant_id;
	bool is_hold;
	bool is_expired_hold;
	bool is_own_hold;          /* of the patient, and not expired */
	bool occupant_is_changing; /* by another session, as yet uncommitted */
} BookingFacts;

extern void booking_read_request(FunctionCallInfo fcinfo, const Caller *caller,
								 BookingRequest *request);
extern void booking_look(const BookingRequest *request, BookingFacts *facts);
extern void booking_glance(const BookingRequest *request, BookingFacts *facts);
extern void booking_look_now(const BookingRequest *request, BookingFacts *facts);
extern void booking_end_look(BookingFacts *facts);
extern void booking_look_as_asked(const BookingRequest *request, BookingFacts *facts);
extern bool booking_is_occupied(const BookingFacts *facts);
extern bool booking_looks_free(const BookingFacts *facts);
extern BookingIndex booking_patients;
extern bool booking_are_still_there(const BookingRequest *request);

/* rules.c */

extern void booking_enforce_rules(const BookingFacts *facts);
extern void booking_enforce_slot_rules(const BookingFacts *facts);
extern void booking_enforce_patient_rules(const BookingFacts *facts);
extern void booking_report_rule(ReturnSetInfo *result, const char *name, bool judged,
								const Refusal *refusal);

/* search.c */

/* Free slots that are returned at once. */
#define MOST_FREE_SLOTS 10000

/* When slots of a clinic start that are looked for: from first up to until. */
typedef struct SlotWindow
{
	int64 clinic_id;
	TimestampTz first;
	TimestampTz until;
	pg_tz *zone; /* only where a date is asked for */
} SlotWindow;

/* What is asked for; a null is 'n', as SPI has it. */
typedef struct SlotSearch
{
	Datum clinic_id;
	char clinic_null;
	Datum doctors; /* an array */
	char doctors_null;
	Datum specialization;
	char specialization_null;
	DateADT date;
	char date_null;
	TimestampTz from;
	TimestampTz until;
	int64 after_doctor;
	char after_null;
	int32 per_doctor;
	int32 wanted;
	bool wants_all; /* or none, where they are too many */

	SlotWindow *windows; /* by clinic */
	int window_count;
	struct HTAB *counts; /* of slots by doctor */
} SlotSearch;

extern uint64 booking_find_windows(SlotSearch *search);
extern void booking_run_search(SlotSearch *search);

/* slots.c */

/* As of booking_execute, or of booking_execute_now. */
typedef enum WhichSnapshot
{
	OWN_SNAPSHOT,
	LATEST_SNAPSHOT
} WhichSnapshot;

extern uint64 booking_execute_unguarded(BookingPlan *plan, Datum *values, const char *nulls,
										WhichSnapshot snapshot);

/* log.c */

/* What happened to an appointment; NULL where there is none. */
typedef struct Event
{
	int64 appointment_id;
	int64 slot_id;
	const char *from_status;
	const char *to_status;
	const char *actor_role;
	const char *actor;
	const char *reason;
} Event;

/* Whose deed a change is. */
typedef enum Deed
{
	CALLERS_DEED,
	NOBODYS_DEED
} Deed;

extern void booking_write_event(const Event *event);
extern void booking_note_change(const Event *change, Deed deed);

/* transition.c */

/* What a function tells the triggers on appointments about the change it is making. */
typedef struct Change
{
	int64 appointment_id;
	bool of_many; /* appointments, whichever */
	bool sets_status;
	const char *reason; /* NULL when there is none */
	bool is_nobodys;    /* whoever came upon it is not its actor */
	TimestampTz now;    /* when it was judged, under the locks; 0: when the row is written */
} Change;

extern uint64 booking_change(const Change *change, BookingPlan *plan, Datum *values,
							 const char *nulls);
pg_noreturn extern void booking_refuse_expired_hold(int64 appointment_id);

/* lifecycle.c */

extern void booking_require_no_hold(int64 appointment_id);
extern void booking_cancel_hold(int64 appointment_id, const char *reason);
extern uint64 booking_expire_hold(int64 appointment_id);
extern int32 booking_sweep_holds(int32 max_rows);

/* measure.c */

extern uint64 booking_measure_clinics(int32 max_rows);

/* retention.c */

extern uint64 booking_delete_before(TimestampTz end, int32 max_rows);

/* idempotency.c */

/* What a slot is asked for. */
typedef enum Purpose
{
	BOOK,
	HOLD
} Purpose;

extern text *booking_read_key(FunctionCallInfo fcinfo, int argument);
extern bool booking_was_answered(const BookingRequest *request, const Caller *caller,
								 Purpose purpose, Datum *appointment);

/* book.c */

extern void booking_look_again(const BookingRequest *request, BookingFacts *facts);
extern void booking_release_hold(const BookingFacts *facts);
pg_noreturn extern void booking_refuse_changed(int64 slot_id);
extern void booking_take_slot(BookingFacts *facts);

/* clinic_rules.c */

extern void booking_enforce_clinic_rules(const BookingFacts *facts);
extern void booking_report_clinic_rules(const BookingFacts *facts, ReturnSetInfo *result);

#endif /* BOOKING_H */
