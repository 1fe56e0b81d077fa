/*
 * refusals.c
 *		What a refusal says, by the catalogue. Called by refuse.c, and by whatever reports a refusal
 *		without raising it.
 */
#include "base/base.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/datetime.h"

#define REFUSAL(name, ...) [name] = {__VA_ARGS__},
const RefusalWords booking_catalogue[] = {
#include "base/refusallist.h"
};
#undef REFUSAL

/*
 * Such as "2099-06-01 09:00 BST (Europe/London)". The abbreviation tells the two hours apart when clocks go
 * back. What cannot be put so is in the session's zone.
 */
static const char *
instant_in_words(TimestampTz instant, const char *time_zone)
{
	pg_tz *zone = time_zone ? pg_tzset(time_zone) : NULL;
	struct pg_tm local;
	fsec_t fraction;
	int offset;
	const char *abbreviation;
	char text[MAXDATELEN + 1];

	if (zone == NULL || TIMESTAMP_NOT_FINITE(instant) ||
		timestamp2tm(instant, &offset, &local, &fraction, &abbreviation, zone) != 0 ||
		abbreviation == NULL || local.tm_year < 1)
		return pstrdup(timestamptz_to_str(instant));
	EncodeDateTime(&local, 0, false, offset, NULL, USE_ISO_DATES, text);
	/* without the seconds */
	text[strlen(text) - strlen(":00")] = '\0';
	return psprintf("%s %s (%s)", text, abbreviation, time_zone);
}

/* Mostly the first letter decides, without a call. */
static inline bool
is_named(const char *name, const char *other, int length)
{
	return *name == *other && strncmp(name, other, length) == 0 && name[length] == '\0';
}

#define FIELD(field) #field, refusal->field

/* The field of a refusal that stands in braces. */
static const char *
field_in_words(const Refusal *refusal, const char *name, int length)
{
	const struct
	{
		const char *name;
		const char *text;
	} texts[] = {{FIELD(name)},     {FIELD(what)},       {FIELD(function)},
				 {FIELD(table)},    {FIELD(clinic)},     {FIELD(doctor)},
				 {FIELD(status)},   {FIELD(new_status)}, {FIELD(start_time)},
				 {FIELD(end_time)}, {FIELD(zone)},       {"s", refusal->count == 1 ? "" : "s"}};
	const struct
	{
		const char *name;
		int64 number;
	} numbers[] = {{FIELD(id)},        {FIELD(slot_id)},   {FIELD(appointment_id)},
				   {FIELD(clinic_id)}, {FIELD(doctor_id)}, {FIELD(number)},
				   {FIELD(least)},     {FIELD(most)},      {FIELD(count)}};
	const struct
	{
		const char *name;
		TimestampTz instant;
	} instants[] = {{FIELD(starts_at)}, {FIELD(from)}, {FIELD(until)}};

	for (int i = 0; i < lengthof(texts); i++)
	{
		if (is_named(texts[i].name, name, length) && texts[i].text != NULL)
			return texts[i].text;
	}
	for (int i = 0; i < lengthof(numbers); i++)
	{
		if (is_named(numbers[i].name, name, length))
			return psprintf(INT64_FORMAT, numbers[i].number);
	}
	for (int i = 0; i < lengthof(instants); i++)
	{
		if (is_named(instants[i].name, name, length))
			return instant_in_words(instants[i].instant, refusal->zone);
	}
	return "?";
}

/* Puts the fields of the refusal in the place of the braces. */
static const char *
fill_in(const char *words, const Refusal *refusal)
{
	const char *brace = words ? strchr(words, '{') : NULL;
	StringInfoData filled;

	if (brace == NULL)
		return words;
	initStringInfo(&filled);
	for (; brace != NULL; brace = strchr(words, '{'))
	{
		const char *name = brace + 1;
		int length = strcspn(name, "}");

		appendBinaryStringInfo(&filled, words, brace - words);
		appendStringInfoString(&filled, field_in_words(refusal, name, length));
		words = name + length + 1;
	}
	appendStringInfoString(&filled, words);
	return filled.data;
}

RefusalWords
booking_words(const Refusal *refusal)
{
	RefusalWords words = booking_catalogue[refusal->which];

	words.rule = fill_in(words.rule, refusal);
	words.table = fill_in(words.table, refusal);
	words.message = fill_in(words.message, refusal);
	words.detail = fill_in(words.detail, refusal);
	words.hint = fill_in(words.hint, refusal);
	return words;
}

static bool
stands_for(const char *constraint, const RefusalWords *words)
{
	bool is_it = words->is_constraint && strcmp(constraint, words->rule) == 0;

	for (int i = 0; i < lengthof(words->constraints) && words->constraints[i] != NULL; i++)
		is_it |= strcmp(constraint, words->constraints[i]) == 0;
	return is_it;
}

/* Whether a constraint stands for a rule, and how its violation is refused. */
bool
booking_find_violation(const char *constraint, RefusalName *violated)
{
	for (int i = 0; i < lengthof(booking_catalogue); i++)
	{
		if (stands_for(constraint, &booking_catalogue[i]))
		{
			*violated = i;
			return true;
		}
	}
	return false;
}
