/*
 * callers.h
 *		Who the caller is, and what a request of theirs may ask. Stands on base.
 */
#ifndef BOOKING_CALLERS_H
#define BOOKING_CALLERS_H

#include "base/base.h"

/* caller.c */

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
extern void booking_require_staff_of(int64 clinic_id);
extern void booking_require_staff(const char *to_do);
extern void booking_require_admin(void);

/* limits.c */

extern int booking_max_rows_changed_by_patients;
extern int booking_max_rows_changed_by_staff;

/* requests.c */

extern bool booking_guard_requests;
extern void booking_install_request_guard(void);

#endif /* BOOKING_CALLERS_H */
