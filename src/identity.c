/*
 * identity.c
 *		Who the caller is. Called by everything that decides on the caller or logs them.
 *
 * The role is the one outside all SECURITY DEFINER functions. The person comes from the JSON
 * object in the setting request.jwt.claims, as PostgREST sets it for each request.
 */
#include "booking.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/jsonb.h"

static void
refuse_claims(const char *detail)
{
	Refusal refusal = {
		.sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
		.rule = "claims_are_valid",
		.message = "the request does not say validly who is calling",
		.hint =
			"Send a token whose claims are a JSON object; sub is text and patient_id a whole number.",
	};

	refusal.detail = detail;
	booking_refuse(&refusal);
}

/* The claims as a JSON object; NULL when there are none. */
static Jsonb *
request_claims(void)
{
	const char *setting = GetConfigOption("request.jwt.claims", true, false);
	MemoryContext caller = CurrentMemoryContext;
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
		MemoryContextSwitchTo(caller);
		FlushErrorState();
		refuse_claims("the claims are not JSON.");
	}
	PG_END_TRY();

	if (!JB_ROOT_IS_OBJECT(claims))
		refuse_claims("the claims are not a JSON object.");
	return claims;
}

/* A claim as text, of either JSON type; NULL when it is absent or null. */
static char *
claim_text(Jsonb *claims, const char *name)
{
	JsonbValue key;
	JsonbValue *value;

	key.type = jbvString;
	key.val.string.val = unconstify(char *, name);
	key.val.string.len = strlen(name);
	value = findJsonbValueFromContainer(&claims->root, JB_FOBJECT, &key);

	if (value == NULL || value->type == jbvNull)
		return NULL;
	if (value->type == jbvString)
		return pnstrdup(value->val.string.val, value->val.string.len);
	if (value->type == jbvNumeric)
		return DatumGetCString(
			DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
	refuse_claims("sub or patient_id is neither text nor a number.");
	return NULL;
}

static int64
claimed_id(const char *digits)
{
	char *end;
	long long id;

	errno = 0;
	id = strtoll(digits, &end, 10);
	if (errno != 0 || end == digits || *end != '\0' || !isdigit((unsigned char) end[-1]))
		refuse_claims("patient_id is not a whole number.");
	return id;
}

void
booking_caller(Caller *caller)
{
	Jsonb *claims = request_claims();
	char *patient_id = claims ? claim_text(claims, "patient_id") : NULL;

	caller->role = GetUserNameFromId(GetOuterUserId(), false);
	caller->subject = claims ? claim_text(claims, "sub") : NULL;
	if (caller->subject == NULL)
		caller->subject = patient_id;
	caller->is_patient = patient_id != NULL;
	caller->patient_id = patient_id ? claimed_id(patient_id) : 0;
}
