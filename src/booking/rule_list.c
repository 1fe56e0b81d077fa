/*
 * rule_list.c
 *		Adding rules to a clinic's own, and removing them. Called through SQL.
 */
#include "booking/internal.h"

#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"

static BookingPlan add_rule_plan = {
	"INSERT INTO booking.rules AS r (name, check_function, clinic_id, \"position\")"
	" VALUES ($1, $2, $3, $4) RETURNING r",
	4,
	{TEXTOID, TEXTOID, INT8OID, INT4OID}};
static BookingPlan remove_rule_plan = {
	"UPDATE booking.rules AS r SET deleted_at = now()"
	" WHERE name = $1 AND clinic_id IS NOT DISTINCT FROM $2 AND deleted_at IS NULL RETURNING r",
	2,
	{TEXTOID, INT8OID}};
static BookingPlan live_rule_plan = {
	"SELECT FROM booking.rules"
	" WHERE name = $1 AND clinic_id IS NOT DISTINCT FROM $2 AND deleted_at IS NULL",
	2,
	{TEXTOID, INT8OID}};

static const char *
function_name(Oid function)
{
	char *schema = get_namespace_name(get_func_namespace(function));
	char *name = get_func_name(function);

	if (schema == NULL || name == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
						errmsg("the function was dropped meanwhile")));
	return quote_qualified_identifier(schema, name);
}

static void
check_function_form(Oid function)
{
	Oid owner;

	if (!booking_is_check_function(function, &owner))
		booking_refuse(RULE_FUNCTION_FITS);
	if (!has_privs_of_role(booking_calling_user(), owner))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("must be owner of function %s", format_procedure(function)),
						errdetail("A rule runs with the rights of the owner of its function."),
						errhint("Let the function's owner add the rule.")));
}

BOOKING_FUNCTION(booking_add_rule)
{
	Datum values[] = {PG_GETARG_DATUM(0), 0, PG_GETARG_DATUM(2), PG_GETARG_DATUM(3)};
	char nulls[] = {' ', ' ', PG_ARGISNULL(2) ? 'n' : ' ', ' '};
	Oid function = PG_GETARG_OID(1);
	Datum rule;

	booking_require(fcinfo, 0, "name");
	booking_require(fcinfo, 1, "check_function");
	booking_require(fcinfo, 3, "position");
	booking_require_writable(fcinfo);
	check_function_form(function);
	values[1] = CStringGetTextDatum(function_name(function));

	SPI_connect();
	booking_execute(&add_rule_plan, values, nulls);
	rule = booking_returned_row();
	CacheInvalidateRelcacheByRelid(booking_relation("rules"));
	SPI_finish();
	return rule;
}

BOOKING_FUNCTION(booking_remove_rule)
{
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	char nulls[] = {' ', PG_ARGISNULL(1) ? 'n' : ' '};
	Datum rule;

	booking_require(fcinfo, 0, "name");

	booking_start_writing(fcinfo);
	values[0] = booking_trim(values[0]);
	if (booking_execute(&remove_rule_plan, values, nulls) == 0)
	{
		booking_require_none_left(&live_rule_plan, values, nulls);
		booking_refuse(RULE_EXISTS);
	}
	rule = booking_returned_row();
	CacheInvalidateRelcacheByRelid(booking_relation("rules"));
	SPI_finish();
	return rule;
}

/* An AFTER trigger, for raw SQL: invalidates the cache of every session. */
BOOKING_FUNCTION_AS_CALLER(booking_forget_rules)
{
	TriggerData *trigger = booking_trigger(fcinfo, AFTER_ANY_CHANGE, "rules");

	CacheInvalidateRelcache(trigger->tg_relation);
	return PointerGetDatum(NULL);
}
