/*
 * available.c
 *		Listing free slots: all that match or page by page, and the earliest across many doctors.
 *		Called through SQL.
 */
#include "finding/finding.h"

#include "utils/builtins.h"

/* In place of the number of an argument that a function does not take. */
#define NO_ARGUMENT (-1)

static void
require_limit(FunctionCallInfo fcinfo, int argument, const char *name, int32 most)
{
	Refusal out_of_range = {
		.sqlstate = ERRCODE_BOOKING_UNPROCESSABLE,
		.table = "time_slots",
		.detail = "it limits the number of rows returned.",
		.hint = "Choose a limit within these bounds.",
	};
	int32 limit = PG_GETARG_INT32(argument);

	booking_require(fcinfo, argument, name);
	if (limit >= 1 && limit <= most)
		return;
	out_of_range.rule = psprintf("%s_in_range", name);
	out_of_range.message = psprintf("%s is not between 1 and %d", name, most);
	booking_refuse(&out_of_range);
}

static void
require_range(const SlotSearch *search)
{
	static const Refusal reversed = {
		.sqlstate = ERRCODE_BOOKING_UNPROCESSABLE,
		.rule = "range_not_reversed",
		.table = "time_slots",
		.message = "from_time is after until_time",
		.detail = "from_time belongs to the range, until_time does not.",
		.hint = "Swap from_time and until_time.",
	};

	if (search->from > search->until)
		booking_refuse(&reversed);
}

static void
require_whole_cursor(FunctionCallInfo fcinfo, int from_time, int after_doctor)
{
	static const Refusal half = {
		.sqlstate = ERRCODE_BOOKING_UNPROCESSABLE,
		.rule = "after_doctor_has_a_from_time",
		.table = "time_slots",
		.message = "after_doctor comes without from_time",
		.detail = "both together are the place of a slot in the order, after which it goes on.",
		.hint = "Give starts_at of the last slot as from_time and its doctor_id as after_doctor.",
	};

	if (!PG_ARGISNULL(after_doctor) && PG_ARGISNULL(from_time))
		booking_refuse(&half);
}

static void
require_existing(const Entity *entity, Datum id)
{
	if (booking_query(entity->find_live, &id, NULL) == 0)
		booking_refuse_unknown(entity, DatumGetInt64(id));
}

/* What both functions take; where no time is given, all of it. */
static void
start_search(FunctionCallInfo fcinfo, int specialization, int clinic_id, int from_time,
			 SlotSearch *search)
{
	memset(search, 0, sizeof(*search));
	search->clinic_id = PG_GETARG_DATUM(clinic_id);
	search->clinic_null = PG_ARGISNULL(clinic_id) ? 'n' : ' ';
	search->specialization_null = PG_ARGISNULL(specialization) ? 'n' : ' ';
	if (!PG_ARGISNULL(specialization))
		search->specialization = booking_trim(PG_GETARG_DATUM(specialization));
	search->from = PG_ARGISNULL(from_time) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(from_time);
	search->until = DT_NOEND;
	search->doctors_null = search->date_null = search->after_null = 'n';
}

static void
refuse_too_many(void)
{
	static const Refusal too_many = {
		.sqlstate = ERRCODE_BOOKING_UNPROCESSABLE,
		.rule = "all_slots_are_at_most_10000",
		.table = "time_slots",
		.message = "more than " CppAsString2(MOST_FREE_SLOTS) " time slots are free",
		.detail = "without max_slots it is all of them or none.",
		.hint =
			"Ask for fewer by doctor_id, clinic_id, on_date or until_time; or give max_slots, and go on with starts_at and doctor_id of the last slot as from_time and after_doctor.",
	};

	booking_refuse(&too_many);
}

/* Where no clinic was found: refuses a doctor, or a clinic, that is not there. */
static void
require_named(FunctionCallInfo fcinfo, int doctor_id, int clinic_id)
{
	if (doctor_id != NO_ARGUMENT && !PG_ARGISNULL(doctor_id))
		require_existing(&booking_doctor, PG_GETARG_DATUM(doctor_id));
	if (!PG_ARGISNULL(clinic_id))
		require_existing(&booking_clinic, PG_GETARG_DATUM(clinic_id));
}

BOOKING_FUNCTION(booking_available_slots)
{
	enum
	{
		DOCTOR_ID,
		ON_DATE,
		CLINIC_ID,
		SPECIALIZATION,
		FROM_TIME,
		UNTIL_TIME,
		MAX_SLOTS,
		AFTER_DOCTOR
	};
	SlotSearch search;

	start_search(fcinfo, SPECIALIZATION, CLINIC_ID, FROM_TIME, &search);
	search.date = PG_GETARG_DATEADT(ON_DATE);
	search.date_null = PG_ARGISNULL(ON_DATE) ? 'n' : ' ';
	search.until = PG_ARGISNULL(UNTIL_TIME) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(UNTIL_TIME);
	search.after_doctor = PG_GETARG_INT64(AFTER_DOCTOR);
	search.after_null = PG_ARGISNULL(AFTER_DOCTOR) ? 'n' : ' ';
	search.wants_all = PG_ARGISNULL(MAX_SLOTS);
	search.wanted = search.per_doctor =
		search.wants_all ? MOST_FREE_SLOTS + 1 : PG_GETARG_INT32(MAX_SLOTS);
	if (!PG_ARGISNULL(ON_DATE))
		booking_require_date(search.date);
	require_range(&search);
	require_whole_cursor(fcinfo, FROM_TIME, AFTER_DOCTOR);
	if (!search.wants_all)
		require_limit(fcinfo, MAX_SLOTS, "max_slots", MOST_FREE_SLOTS);

	SPI_connect();
	if (!PG_ARGISNULL(DOCTOR_ID))
	{
		search.doctors = booking_ids_as_array(&PG_GETARG_DATUM(DOCTOR_ID), 1);
		search.doctors_null = ' ';
	}
	if (booking_find_windows(&search) == 0)
		require_named(fcinfo, DOCTOR_ID, CLINIC_ID);
	booking_run_search(&search);
	if (SPI_processed > MOST_FREE_SLOTS)
		refuse_too_many();
	booking_return_set(fcinfo);
	SPI_finish();
	return (Datum) 0;
}

BOOKING_FUNCTION(booking_next_available)
{
	enum
	{
		SPECIALIZATION,
		CLINIC_ID,
		DOCTOR_IDS,
		FROM_TIME,
		PER_DOCTOR,
		MAX_SLOTS
	};
	SlotSearch search;

	require_limit(fcinfo, PER_DOCTOR, "per_doctor", 100);
	require_limit(fcinfo, MAX_SLOTS, "max_slots", 1000);
	start_search(fcinfo, SPECIALIZATION, CLINIC_ID, FROM_TIME, &search);
	search.doctors = PG_GETARG_DATUM(DOCTOR_IDS);
	search.doctors_null = PG_ARGISNULL(DOCTOR_IDS) ? 'n' : ' ';
	search.wanted = PG_GETARG_INT32(MAX_SLOTS);
	search.per_doctor = Min(PG_GETARG_INT32(PER_DOCTOR), search.wanted);

	SPI_connect();
	if (booking_find_windows(&search) == 0)
		require_named(fcinfo, NO_ARGUMENT, CLINIC_ID);
	booking_run_search(&search);
	booking_return_set(fcinfo);
	SPI_finish();
	return (Datum) 0;
}
