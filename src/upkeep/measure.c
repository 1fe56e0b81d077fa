/*
 * measure.c
 *		Figures of each clinic that take too long to count at each scrape. Called by maintain.c.
 */
#include "upkeep/upkeep.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"

/* As max_rows is meant for rows written, and reading a slot is faster. */
#define READS_PER_ROW 10

/* The clinics with the oldest figures come first. Figures of the last 5 minutes are good enough. */
#define STALE_SQL \
	"SELECT c.id FROM booking.clinics c" \
	" LEFT JOIN booking.clinic_figures f ON f.clinic_id = c.id" \
	" WHERE c.is_active AND c.deleted_at IS NULL" \
	" AND (f.updated_at IS NULL OR f.updated_at <= now() - interval '5 minutes')" \
	" ORDER BY f.updated_at NULLS FIRST, c.id"

/*
 * Reads a range of doctor_slots_start_once for each doctor, and returns the number of slots read. A past
 * slot was offered if it was taken or is still available. A coming slot is free only if its doctor takes
 * bookings. $1 clinic.
 */
#define MEASURE_SQL \
	"WITH slot AS (" \
	"    SELECT s.starts_at > now() AS is_ahead, s.starts_at < now() + interval '1 day' AS is_near," \
	"           s.is_available AS is_open," \
	"           booking.is_free(s.is_available, s.held_until, now())" \
	"               AND d.is_active AND d.deleted_at IS NULL AS is_free," \
	"           a.status, coalesce(a.status <> 'pending', false) AS is_taken" \
	"    FROM booking.doctors d" \
	"    CROSS JOIN LATERAL (SELECT * FROM booking.time_slots" \
	"                        WHERE doctor_id = d.id AND deleted_at IS NULL" \
	"                        AND starts_at >= now() - interval '28 days'" \
	"                        AND starts_at < now() + interval '7 days' OFFSET 0) s" \
	"    LEFT JOIN LATERAL (SELECT status FROM booking.appointments" \
	"                       WHERE slot_id = s.id AND booking.occupies(status)" \
	"                       OFFSET 0) a ON true" \
	"    WHERE d.clinic_id = $1)," \
	" figures AS (" \
	"    SELECT count(*) AS slots_read," \
	"           count(*) FILTER (WHERE is_ahead AND is_free AND is_near) AS free_1_day," \
	"           count(*) FILTER (WHERE is_ahead AND is_free) AS free_7_days," \
	"           count(*) FILTER (WHERE is_ahead AND is_taken) AS taken_7_days," \
	"           count(*) FILTER (WHERE NOT is_ahead AND (is_open OR is_taken)) AS offered_28_days," \
	"           count(*) FILTER (WHERE NOT is_ahead AND is_taken) AS taken_28_days," \
	"           count(*) FILTER (WHERE NOT is_ahead AND status = 'fulfilled') AS fulfilled_28_days," \
	"           count(*) FILTER (WHERE NOT is_ahead AND status = 'noshow') AS noshow_28_days" \
	"    FROM slot)," \
	" noted AS (" \
	"    INSERT INTO booking.clinic_figures AS f (clinic_id, free_1_day, free_7_days, taken_7_days," \
	"        offered_28_days, taken_28_days, fulfilled_28_days, noshow_28_days)" \
	"    SELECT $1, free_1_day, free_7_days, taken_7_days, offered_28_days, taken_28_days," \
	"           fulfilled_28_days, noshow_28_days FROM figures" \
	"    ON CONFLICT (clinic_id) DO UPDATE SET (free_1_day, free_7_days, taken_7_days," \
	"        offered_28_days, taken_28_days, fulfilled_28_days, noshow_28_days)" \
	"    = (excluded.free_1_day, excluded.free_7_days, excluded.taken_7_days," \
	"       excluded.offered_28_days, excluded.taken_28_days, excluded.fulfilled_28_days," \
	"       excluded.noshow_28_days)" \
	"    RETURNING clinic_id) " \
	"SELECT slots_read FROM figures, noted"

static BookingPlan stale_plan = {STALE_SQL};
static BookingPlan measure_plan = {MEASURE_SQL, 1, {INT8OID}};
static BookingPlan delete_inactive_plan = {
	"DELETE FROM booking.clinic_figures f WHERE NOT EXISTS (SELECT FROM booking.clinics c"
	" WHERE c.id = f.clinic_id AND c.is_active AND c.deleted_at IS NULL)"};

/* Measures clinics until max_rows are used up, and returns how many clinics. */
uint64
booking_measure_clinics(int32 max_rows)
{
	uint64 count = booking_execute(&stale_plan, NULL, NULL);
	SPITupleTable *stale = SPI_tuptable;
	int64 slots_read = 0;
	uint64 measured = 0;

	while (measured < count && slots_read < (int64) max_rows * READS_PER_ROW)
	{
		bool isnull;
		Datum clinic_id = SPI_getbinval(stale->vals[measured++], stale->tupdesc, 1, &isnull);

		CHECK_FOR_INTERRUPTS();
		booking_execute(&measure_plan, &clinic_id, NULL);
		slots_read += DatumGetInt64(booking_value());
		SPI_freetuptable(SPI_tuptable);
	}
	booking_execute(&delete_inactive_plan, NULL, NULL);
	return measured;
}
