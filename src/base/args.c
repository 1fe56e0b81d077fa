/*
 * args.c
 *		What is wrong with an argument, said in one way. Called by the functions that SQL calls.
 */
#include "base/base.h"

#include "mb/pg_wchar.h"
#include "utils/lsyscache.h"

/* Refuses a call that leaves out an argument it needs. */
void
booking_require(FunctionCallInfo fcinfo, int argument, const char *name)
{
	if (PG_ARGISNULL(argument))
		booking_refuse(REQUIRED_ARGUMENT, .name = name,
					   .function = get_func_name(fcinfo->flinfo->fn_oid));
}

/* Refuses a number that is out of its range. */
void
booking_require_between(int64 number, int64 least, int64 most, RefusalName otherwise)
{
	if (number < least || number > most)
		booking_refuse(otherwise, .number = number, .least = least, .most = most);
}

/* Refuses a text that is empty, too long or has a control character, where no constraint does. */
void
booking_require_text(const text *text, int most, RefusalName otherwise)
{
	int length = pg_mbstrlen_with_len(VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));

	if (length < 1 || length > most)
		booking_refuse(otherwise);
	if (booking_text_has_control_character(text))
		booking_refuse(NO_CONTROL_CHARACTERS, .table = booking_catalogue[otherwise].table);
}
