/*
 * refuse.c
 *		One way to say no: every refusal of the extension is raised here. Called by every floor.
 *
 * The rule's name goes into CONSTRAINT for clients. It also starts DETAIL, since PostgREST passes DETAIL on
 * but not CONSTRAINT. What a refusal says is in refusallist.h.
 */
#include "base/base.h"

#include <ctype.h>

/* Names and values that are quoted may have control characters, which clients must not get. */
static void
raise_words(const RefusalWords *words)
{
	const char *message = booking_visible(words->message);
	const char *detail = booking_visible(words->detail);
	const char *hint = booking_visible(words->hint);
	const char *rule = booking_visible(words->rule);

	booking_note_clean_error();
	ereport(ERROR, (errcode(words->sqlstate), errmsg_internal("%s", message),
					errdetail_internal("%s", detail), errhint("%s", hint),
					err_generic_string(PG_DIAG_SCHEMA_NAME, "booking"),
					words->table ? err_generic_string(PG_DIAG_TABLE_NAME, words->table) : 0,
					err_generic_string(PG_DIAG_CONSTRAINT_NAME, rule)));
}

void
booking_raise(const Refusal *refusal)
{
	RefusalWords words = booking_words(refusal);

	booking_count_refusal(words.rule);
	words.detail = psprintf("rule %s: %s", words.rule, words.detail);
	raise_words(&words);
	pg_unreachable();
}

/* While REINDEX CONCURRENTLY runs, and after a failure, there is a second index with a suffix. */
static const char *
without_reindex_suffix(const char *constraint)
{
	int length = strlen(constraint);

	while (length > 0 && isdigit((unsigned char) constraint[length - 1]))
		length--;
	if (length > 6 && (strncmp(constraint + length - 6, "_ccnew", 6) == 0 ||
					   strncmp(constraint + length - 6, "_ccold", 6) == 0))
		return pnstrdup(constraint, length - 6);
	return constraint;
}

/* Whether the error is a violated constraint that stands for a rule of ours, and for which. */
static bool
violates_rule(const ErrorData *error, RefusalName *violated)
{
	return ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION &&
		   error->constraint_name != NULL && error->schema_name != NULL &&
		   strcmp(error->schema_name, "booking") == 0 &&
		   booking_find_violation(without_reindex_suffix(error->constraint_name), violated);
}

/*
 * For a PG_CATCH block around SQL of ours: raises the error again. Where it is a refusal, our SQL is no
 * longer in its context.
 */
void
booking_raise_again(void)
{
	ErrorData *error = CopyErrorData();
	RefusalName violated;

	FlushErrorState();
	if (violates_rule(error, &violated))
		booking_refuse(violated, .table = error->table_name);
	if (strncmp(unpack_sql_state(error->sqlerrcode), "PT", 2) == 0 && error->constraint_name &&
		error->detail && error->hint)
		raise_words(&(RefusalWords){
			.rule = error->constraint_name,
			.sqlstate = error->sqlerrcode,
			.table = error->table_name,
			.message = error->message,
			.detail = error->detail,
			.hint = error->hint,
		});
	ReThrowError(error);
}

/* For what the tables' types and constraints, as the extension made them, do not allow. */
void
booking_refuse_value(const char *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("a row of the book has no valid %s", column),
			 errdetail("The extension booking relies on its types and constraints."),
			 errhint("Give the row such a value, and the table its type and constraint again.")));
}
