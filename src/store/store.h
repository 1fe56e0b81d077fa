/*
 * store.h
 *		The book's tables, read and written without statements where they are as the extension made them, and by
 *		statements elsewhere; it comes to the same. Stands on base.
 */
#ifndef BOOKING_STORE_H
#define BOOKING_STORE_H

#include "base/base.h"

/* tables.c */

/* What is read or written without statements: the tables, their columns and indexes, as tables.c names them. */
typedef enum TableId
{
	CLINICS,
	DOCTORS,
	PATIENTS,
	TIME_SLOTS,
	APPOINTMENTS,
	APPOINTMENT_EVENTS
} TableId;

enum
{
	CLINICS_ID,
	CLINICS_NAME,
	CLINICS_TIME_ZONE,
	CLINICS_IS_ACTIVE,
	CLINICS_MIN_NOTICE,
	CLINICS_BOOKING_HORIZON,
	CLINICS_HOLD_DURATION,
	CLINICS_ALLOW_PATIENT_OVERLAP,
	CLINICS_DELETED_AT
};

enum
{
	DOCTORS_ID,
	DOCTORS_NAME,
	DOCTORS_IS_ACTIVE,
	DOCTORS_DELETED_AT
};

enum
{
	PATIENTS_ID,
	PATIENTS_IS_ACTIVE,
	PATIENTS_DELETED_AT
};

enum
{
	TIME_SLOTS_ID,
	TIME_SLOTS_CLINIC_ID,
	TIME_SLOTS_DOCTOR_ID,
	TIME_SLOTS_STARTS_AT,
	TIME_SLOTS_ENDS_AT,
	TIME_SLOTS_IS_AVAILABLE,
	TIME_SLOTS_HELD_UNTIL,
	TIME_SLOTS_UPDATED_AT,
	TIME_SLOTS_DELETED_AT
};

enum
{
	APPOINTMENTS_ID,
	APPOINTMENTS_SLOT_ID,
	APPOINTMENTS_PATIENT_ID,
	APPOINTMENTS_CLINIC_ID,
	APPOINTMENTS_DOCTOR_ID,
	APPOINTMENTS_STARTS_AT,
	APPOINTMENTS_ENDS_AT,
	APPOINTMENTS_STATUS,
	APPOINTMENTS_BOOKED_AT,
	APPOINTMENTS_HOLD_EXPIRES_AT,
	APPOINTMENTS_IDEMPOTENCY_KEY
};

enum
{
	APPOINTMENT_EVENTS_ID,
	APPOINTMENT_EVENTS_APPOINTMENT_ID,
	APPOINTMENT_EVENTS_SLOT_ID,
	APPOINTMENT_EVENTS_FROM_STATUS,
	APPOINTMENT_EVENTS_TO_STATUS,
	APPOINTMENT_EVENTS_ACTOR_ROLE,
	APPOINTMENT_EVENTS_ACTOR,
	APPOINTMENT_EVENTS_REASON
};

typedef enum IndexId
{
	CLINICS_PKEY,
	DOCTORS_PKEY,
	PATIENTS_PKEY,
	TIME_SLOTS_PKEY,
	DOCTOR_SLOTS_START_ONCE,
	UNIQUE_TIMESLOT,
	APPOINTMENTS_OF_A_PATIENT,
	IDEMPOTENCY_KEY_IS_USED_ONCE
} IndexId;

/* status.c */

extern Oid booking_status_type(void);
extern Datum booking_status(const char *label);
extern const char *booking_status_label(Datum status);
extern bool booking_status_occupies(const char *status);

/* row.c */

/* A row at hand, and rows that come one after the other. */
typedef struct BookRow BookRow;
typedef struct BookScan BookScan;

extern Datum booking_get(const BookRow *row, int column);
extern bool booking_is_null(const BookRow *row, int column);
extern bool booking_is_changing(const BookRow *row);
extern BookRow *booking_row_of_slot(TableId table, TupleTableSlot *slot);
extern ItemPointer booking_row_tid(const BookRow *row);
extern TransactionId booking_row_xmin(const BookRow *row);
extern void booking_release_row(BookRow *row);

/* read.c */

/* What is asked of a column of an index; of the first, equality. */
typedef enum Comparison
{
	EQUAL,
	LESS,
	GREATER
} Comparison;

typedef struct Condition
{
	int key; /* which column of the index: 0 or 1 */
	Comparison comparison;
	Datum value;
} Condition;

extern BookRow *booking_find(IndexId index, Snapshot snapshot, int64 key);
extern BookScan *booking_start_scan(IndexId index, Snapshot snapshot, const Condition *conditions,
									int count);
extern BookScan *booking_start_walk(IndexId index, Snapshot snapshot, const Condition *conditions,
									int count);
extern BookRow *booking_next_row(BookScan *scan, ScanDirection direction);
extern void booking_end_scan(BookScan *scan);

/* table.c */

extern bool booking_direct;

/* insert.c, update.c */

/* What a column of a row is to be. */
typedef struct ColumnValue
{
	int column;
	Datum value;
	bool isnull;
} ColumnValue;

/* What comes with a new row, before other people's AFTER triggers hear of it. */
typedef void FollowInsert(int64 id, const void *arg);

extern void booking_insert(TableId table, const ColumnValue *values, int count, Datum *inserted,
						   FollowInsert *follow, const void *arg);
extern bool booking_update(BookRow *row, const ColumnValue *values, int count);
extern bool booking_share_row(BookRow *row);

#endif /* BOOKING_STORE_H */
