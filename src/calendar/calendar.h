/*
 * calendar.h
 *		When doctors work, and when not. Stands on store and callers.
 */
#ifndef BOOKING_CALENDAR_H
#define BOOKING_CALENDAR_H

#include "base/base.h"

/* stretch.c */

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

extern void booking_add_stretch(Stretches *stretches, TimestampTz starts_at, TimestampTz ends_at);

/* doctor.c */

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

/* session.c */

/* Working hours by the wall clock, and how they are cut into slots. */
typedef struct Hours
{
	TimeADT start_time;
	TimeADT end_time;
	int32 slot_minutes;
	int32 gap_minutes;
} Hours;

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

/* overlap.c */

extern void booking_read_slots(int64 doctor_id, const Stretch *stretch, Stretches *slots);

#endif /* BOOKING_CALENDAR_H */
