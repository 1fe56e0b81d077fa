/*
 * available.c
 *		Listing free slots: all that match or page by page, and the earliest across many doctors.
 *		Called through SQL.
 */
#include "finding/finding.h"

#include "utils/builtins.h"

/* Instead of the number of an argument that a function does not have. */
#define NO_ARGUMENT (-1)

static void
require_existing(const Entity *entity, Datum id)
{
	if (booking_query(entity->find_live, &id, NULL) == 0)
		booking_refuse(entity->unknown, .id = DatumGetInt64(id));
}

/* Reads the arguments that both functions have. */
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

/* The doctors of the search are this one. */
static void
search_one_doctor(SlotSearch *search, Datum doctor_id)
{
	search->doctors = booking_ids_as_array(&doctor_id, 1);
	search->doctors_null = ' ';
}

static void
check_times(const SlotSearch *search)
{
	if (search->date_null == ' ')
		booking_require_date(search->date);
	if (search->from > search->until)
		booking_refuse(TIMES_NOT_REVERSED);
}

/* When no clinic was found, a doctor or clinic that was named may not exist. */
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
	check_times(&search);
	if (!PG_ARGISNULL(AFTER_DOCTOR) && PG_ARGISNULL(FROM_TIME))
		booking_refuse(AFTER_DOCTOR_HAS_A_FROM_TIME);
	if (!search.wants_all)
		booking_require_between(search.wanted, 1, MOST_FREE_SLOTS, MAX_SLOTS_IN_RANGE);

	SPI_connect();
	if (!PG_ARGISNULL(DOCTOR_ID))
		search_one_doctor(&search, PG_GETARG_DATUM(DOCTOR_ID));
	if (booking_find_windows(&search) == 0)
		require_named(fcinfo, DOCTOR_ID, CLINIC_ID);
	booking_run_search(&search);
	if (SPI_processed > MOST_FREE_SLOTS)
		booking_refuse(ALL_SLOTS_ARE_AT_MOST_10000, .most = MOST_FREE_SLOTS);
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

	booking_require(fcinfo, PER_DOCTOR, "per_doctor");
	booking_require_between(PG_GETARG_INT32(PER_DOCTOR), 1, 100, PER_DOCTOR_IN_RANGE);
	booking_require(fcinfo, MAX_SLOTS, "max_slots");
	booking_require_between(PG_GETARG_INT32(MAX_SLOTS), 1, 1000, MAX_SLOTS_IN_RANGE);
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
