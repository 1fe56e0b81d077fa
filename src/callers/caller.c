/*
 * caller.c
 *		Who the caller is. Called by everything that decides on the caller or logs them.
 *
 * The role is the current user where a function of ours is called (user_context.c). The person comes
 * from the JSON object in the setting request.jwt.claims, as PostgREST sets it for each request.
 */
#include "callers/callers.h"

#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/jsonb.h"

/* The claims as a JSON object; NULL when there are none. */
static Jsonb *
request_claims(void)
{
	const char *setting = GetConfigOption("request.jwt.claims", true, false);
	MemoryContext oldcontext = CurrentMemoryContext;
	Jsonb *claims = NULL;

	if (setting == NULL || setting[0] == '\0')
		return NULL;

	PG_TRY();
	{
		claims = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(setting)));
	}
	PG_CATCH();
	{
		int category = ERRCODE_TO_CATEGORY(geterrcode());

		if (category != ERRCODE_DATA_EXCEPTION && category != ERRCODE_PROGRAM_LIMIT_EXCEEDED)
			PG_RE_THROW();
		MemoryContextSwitchTo(oldcontext);
		FlushErrorState();
		booking_refuse(CLAIMS_ARE_VALID, .what = "the claims are not JSON.");
	}
	PG_END_TRY();

	if (!JB_ROOT_IS_OBJECT(claims))
		booking_refuse(CLAIMS_ARE_VALID, .what = "the claims are not a JSON object.");
	return claims;
}

static JsonbValue *
find_claim(Jsonb *claims, const char *name)
{
	JsonbValue key;

	key.type = jbvString;
	key.val.string.val = unconstify(char *, name);
	key.val.string.len = strlen(name);
	return findJsonbValueFromContainer(&claims->root, JB_FOBJECT, &key);
}

/* A text or number as text. Some libraries write 1 as 1.0, so a number loses the zeros at its end. */
static char *
value_text(const JsonbValue *value, const char *claim)
{
	if (value->type == jbvString)
		return pnstrdup(value->val.string.val, value->val.string.len);
	if (value->type == jbvNumeric)
		return DatumGetCString(DirectFunctionCall1(
			numeric_out,
			DirectFunctionCall1(numeric_trim_scale, NumericGetDatum(value->val.numeric))));
	booking_refuse(CLAIMS_ARE_VALID, .what = psprintf("%s is neither text nor a number.", claim));
}

/* NULL when the claim is absent or null. */
static char *
claim_text(Jsonb *claims, const char *name)
{
	const JsonbValue *value = find_claim(claims, name);

	return value == NULL || value->type == jbvNull ? NULL : value_text(value, name);
}

static int64
claimed_id(const char *digits, const char *claim)
{
	char *end;
	long long id;

	errno = 0;
	id = strtoll(digits, &end, 10);
	if (errno != 0 || end == digits || *end != '\0' || isspace((unsigned char) digits[0]))
		booking_refuse(CLAIMS_ARE_VALID, .what = psprintf("%s is not a whole number.", claim));
	return id;
}

/* A claim that is absent or null is an empty array. */
static void
read_clinic_ids(Jsonb *claims, Caller *caller)
{
	JsonbValue *array = claims ? find_claim(claims, "clinic_ids") : NULL;
	JsonbIterator *iterator;
	JsonbValue element;

	if (array == NULL || array->type == jbvNull)
		return;
	if (array->type != jbvBinary || !JsonContainerIsArray(array->val.binary.data))
		booking_refuse(CLAIMS_ARE_VALID, .what = "clinic_ids is not an array.");
	caller->clinic_ids = palloc((JsonContainerSize(array->val.binary.data) + 1) * sizeof(int64));
	iterator = JsonbIteratorInit(array->val.binary.data);
	if (JsonbIteratorNext(&iterator, &element, true) != WJB_BEGIN_ARRAY)
		return;
	while (JsonbIteratorNext(&iterator, &element, true) == WJB_ELEM)
		caller->clinic_ids[caller->clinic_count++] =
			claimed_id(value_text(&element, "clinic_ids"), "clinic_ids");
}

/* Whether a user has the rights of a role of ours. Nobody has those of a role that is missing. */
bool
booking_has_role(Oid user, const char *role)
{
	Oid id = get_role_oid(role, true);

	return OidIsValid(id) && has_privs_of_role(user, id);
}

void
booking_caller(Caller *caller)
{
	Oid user = booking_calling_user();
	Jsonb *claims = request_claims();
	char *patient_id = claims ? claim_text(claims, "patient_id") : NULL;

	memset(caller, 0, sizeof(*caller));
	caller->user = user;
	caller->subject = claims ? claim_text(claims, "sub") : NULL;
	if (caller->subject == NULL)
		caller->subject = patient_id;
	if (caller->subject != NULL && booking_has_control_character(caller->subject))
		booking_refuse(CLAIMS_ARE_VALID, .what = "sub has a control character in it.");
	caller->has_patient_id = patient_id != NULL;
	caller->patient_id = patient_id ? claimed_id(patient_id, "patient_id") : 0;

	caller->is_admin = booking_has_role(user, "booking_admin");
	if (caller->is_admin)
		return;
	caller->is_patient = caller->has_patient_id && booking_has_role(user, "booking_patient");
	caller->is_staff = booking_has_role(user, "booking_staff");
	if (caller->is_staff)
		read_clinic_ids(claims, caller);
}

/*
 * For an event. To be called before waiting for others, since the role may be renamed or dropped meanwhile.
 * One that is dropped already has the name that pg_get_userbyid gives it.
 */
void
booking_name_caller(Caller *caller)
{
	caller->role = GetUserNameFromId(caller->user, true);
	if (caller->role == NULL)
		caller->role = psprintf("unknown (OID=%u)", caller->user);
}

static bool
works_at(const Caller *caller, int64 clinic_id)
{
	for (int i = 0; i < caller->clinic_count; i++)
	{
		if (caller->clinic_ids[i] == clinic_id)
			return true;
	}
	return caller->is_admin;
}

/* The clinics of staff, as an SQL array. */
Datum
booking_clinic_ids(const Caller *caller)
{
	Datum *ids = palloc((caller->clinic_count + 1) * sizeof(Datum));

	for (int i = 0; i < caller->clinic_count; i++)
		ids[i] = Int64GetDatum(caller->clinic_ids[i]);
	return booking_ids_as_array(ids, caller->clinic_count);
}

static bool
works_somewhere(const Caller *caller)
{
	return caller->is_admin || caller->clinic_count > 0;
}

static bool
is_the_patient(const Caller *caller, int64 patient_id)
{
	return caller->is_patient && caller->patient_id == patient_id;
}

/* Before anything is looked at: whether the caller could book for the patient at some clinic. */
void
booking_require_may_book(const Caller *caller, int64 patient_id)
{
	if (!works_somewhere(caller) && !is_the_patient(caller, patient_id))
		booking_refuse(CALLER_IS_ALLOWED, .what = "book for this patient");
}

/* The same once the clinic is known, which is the slot's. */
void
booking_require_may_book_at(const Caller *caller, int64 patient_id, int64 clinic_id)
{
	if (!works_at(caller, clinic_id) && !is_the_patient(caller, patient_id))
		booking_refuse(CALLER_IS_ALLOWED,
					   .what = psprintf("book at clinic " INT64_FORMAT, clinic_id));
}

void
booking_require_may_change(const Caller *caller, int64 appointment_id, int64 patient_id,
						   int64 clinic_id)
{
	if (!works_at(caller, clinic_id) && !is_the_patient(caller, patient_id))
		booking_refuse_appointment(caller, appointment_id);
}

/* Another's appointment, or none: only an administrator is told which. */
void
booking_refuse_appointment(const Caller *caller, int64 appointment_id)
{
	if (!caller->is_admin)
		booking_refuse(CALLER_IS_ALLOWED,
					   .what = psprintf("change appointment " INT64_FORMAT, appointment_id));
	booking_refuse(APPOINTMENT_EXISTS, .id = appointment_id);
}

/* For calendars, which the staff of the clinic keep. */
void
booking_require_staff_of(int64 clinic_id)
{
	Caller caller;

	booking_caller(&caller);
	if (!works_at(&caller, clinic_id))
		booking_refuse(CALLER_IS_ALLOWED,
					   .what = psprintf("change the calendar of clinic " INT64_FORMAT, clinic_id));
}

/* For patients, who belong to no clinic: staff of any clinic may. */
void
booking_require_staff(const char *to_do)
{
	Caller caller;

	booking_caller(&caller);
	if (!works_somewhere(&caller))
		booking_refuse(CALLER_IS_ALLOWED, .what = to_do);
}

/* For what concerns all clinics. */
void
booking_require_admin(void)
{
	Caller caller;

	booking_caller(&caller);
	if (!caller.is_admin)
		booking_refuse(CALLER_IS_ALLOWED, .what = "change the calendars of all clinics");
}

/* For row-level security: null where no row is the caller's. */
BOOKING_FUNCTION_AS_CALLER(booking_claimed_patient_id)
{
	Caller caller;

	booking_caller(&caller);
	if (!caller.has_patient_id)
		PG_RETURN_NULL();
	PG_RETURN_INT64(caller.patient_id);
}

BOOKING_FUNCTION_AS_CALLER(booking_claimed_clinic_ids)
{
	Caller caller;

	booking_caller(&caller);
	return booking_clinic_ids(&caller);
}
