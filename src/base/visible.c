/*
 * visible.c
 *		Keeps control characters out of errors. Called by refuse.c, by entry.c for whatever is raised
 *		while a function runs, and by what looks for control characters in texts.
 *
 * PostgREST puts the message of a refusal into a line of its answer as it is. A line break in it would let
 * whoever sent the text write the next line. So it would on a terminal or in a log.
 */
#include "base/base.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

/* The error that is being raised has no control characters any more. */
static bool error_is_clean = false;

/* The first control character; NULL when there is none. */
static const char *
find_control(const char *text, int length)
{
	const char *end = text + length;
	Character character;

	while (text < end)
	{
		if (*text >= ' ' && *text <= '~')
		{
			text++;
			continue;
		}
		booking_read_character(text, end - text, &character);
		if (character.classes & CONTROL_CHARACTER)
			return text;
		text += character.length;
	}
	return NULL;
}

bool
booking_text_has_control_character(const text *text)
{
	return find_control(VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text)) != NULL;
}

bool
booking_has_control_character(const char *string)
{
	return find_control(string, strlen(string)) != NULL;
}

/* The string with each control character written out, as \u000d; itself where there is none. */
const char *
booking_visible(const char *string)
{
	const char *next = string ? find_control(string, strlen(string)) : NULL;
	StringInfoData visible;
	Character character;

	if (next == NULL)
		return string;
	initStringInfo(&visible);
	while (next != NULL)
	{
		appendBinaryStringInfo(&visible, string, next - string);
		booking_read_character(next, strlen(next), &character);
		appendStringInfo(&visible, character.is_byte ? "\\x%02x" : "\\u%04x", character.code);
		string = next + character.length;
		next = find_control(string, strlen(string));
	}
	appendStringInfoString(&visible, string);
	return visible.data;
}

/* Lets the next error pass, whose texts were made visible. */
void
booking_note_clean_error(void)
{
	error_is_clean = true;
}

static void
show_control_characters(const ErrorData *error)
{
	const char *message = booking_visible(error->message);
	const char *detail = booking_visible(error->detail);
	const char *detail_log = booking_visible(error->detail_log);
	const char *hint = booking_visible(error->hint);

	if (message != error->message)
		errmsg_internal("%s", message);
	/* what the server says of a deadlock has lines, and nobody's text */
	if (detail != error->detail && error->sqlerrcode != ERRCODE_T_R_DEADLOCK_DETECTED)
		errdetail_internal("%s", detail);
	if (detail_log != error->detail_log && error->sqlerrcode != ERRCODE_T_R_DEADLOCK_DETECTED)
		errdetail_log("%s", detail_log);
	if (hint != error->hint)
		errhint("%s", hint);
}

/* Called for whatever is reported while a function of ours runs, by whomever. */
static void
watch_error(void *nothing)
{
	MemoryContext scratch;
	MemoryContext oldcontext;
	ErrorData *error;

	if (error_is_clean || geterrcode() == ERRCODE_OUT_OF_MEMORY)
	{
		error_is_clean = false;
		return;
	}
	scratch = AllocSetContextCreate(CurrentMemoryContext, "booking error", ALLOCSET_SMALL_SIZES);
	oldcontext = MemoryContextSwitchTo(scratch);
	error = CopyErrorData();
	/* what is only logged or noticed may well have lines, such as a plan */
	if (error->elevel == ERROR)
		show_control_characters(error);
	MemoryContextSwitchTo(oldcontext);
	MemoryContextDelete(scratch);
}

/* Runs the body of a function, and writes out the control characters in its errors. */
Datum
booking_watch_errors(FunctionCallInfo fcinfo, PGFunction body)
{
	ErrorContextCallback watch = {.previous = error_context_stack, .callback = watch_error};
	Datum result;

	booking_know_encoding();
	/* the last error may have been raised where nobody watched */
	error_is_clean = false;
	error_context_stack = &watch;
	result = body(fcinfo);
	error_context_stack = watch.previous;
	return result;
}
