/*
 * text.c
 *		Texts that people write: trimming and judging them. Called by whatever takes a text.
 */
#include "base/base.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

static text *
part_of(text *whole, const char *first, int length)
{
	if (length == VARSIZE_ANY_EXHDR(whole))
		return whole;
	return cstring_to_text_with_len(first, length);
}

/*
 * The text without blanks and hidden characters around it. A hidden one that belongs to the character
 * before it, such as the form of a Chinese character in a name, stays. Returns the text itself when there
 * is nothing to do.
 */
Datum
booking_trim(Datum datum)
{
	text *whole = DatumGetTextPP(datum);
	const char *next = VARDATA_ANY(whole);
	const char *end = next + VARSIZE_ANY_EXHDR(whole);
	const char *first = NULL;
	const char *last = NULL; /* behind the last that is seen */

	for (Character character; next < end; next += character.length)
	{
		bool is_seen;

		booking_read_character(next, end - next, &character);
		is_seen = !(character.classes & (BLANK_CHARACTER | HIDDEN_CHARACTER));
		if (is_seen && first == NULL)
			first = next;
		if (is_seen || ((character.classes & ATTACHED_CHARACTER) && last == next))
			last = next + character.length;
	}
	return PointerGetDatum(first ? part_of(whole, first, last - first) : part_of(whole, "", 0));
}

/*
 * An e-mail address as it is kept and looked for, in NFC as RFC 6532, 3.1 wants it: two ways to write an
 * accent are one address.
 */
Datum
booking_tidy_email(Datum datum)
{
	text *address = DatumGetTextPP(booking_trim(datum));
	text *composed;

	if (GetDatabaseEncoding() != PG_UTF8)
		return PointerGetDatum(address);
	composed = DatumGetTextPP(DirectFunctionCall2(unicode_normalize_func, PointerGetDatum(address),
												  CStringGetTextDatum("NFC")));
	if (VARSIZE_ANY_EXHDR(composed) == VARSIZE_ANY_EXHDR(address) &&
		memcmp(VARDATA_ANY(composed), VARDATA_ANY(address), VARSIZE_ANY_EXHDR(address)) == 0)
		return PointerGetDatum(address);
	return PointerGetDatum(composed);
}

/* What is not seen, wherever it is, would make another address of one that looks the same. */
static bool
is_all_seen(const char *string)
{
	const char *end = string + strlen(string);

	for (Character character; string < end; string += character.length)
	{
		booking_read_character(string, end - string, &character);
		if (character.classes & (CONTROL_CHARACTER | BLANK_CHARACTER | HIDDEN_CHARACTER))
			return false;
	}
	return true;
}

/* Behind the quotes that a local part stands in; NULL when they do not end. */
static const char *
end_of_quotes(const char *quotes)
{
	for (const char *next = quotes + 1; *next != '\0'; next++)
	{
		if (*next == '"')
			return next + 1;
		if (*next == '\\' && *++next == '\0')
			break;
	}
	return NULL;
}

/* The specials of RFC 5322, 3.2.3, but for the dot; all bytes of other characters are above ASCII. */
static const char *
end_of_words(const char *words)
{
	return words + strcspn(words, "()<>[]:;@\\,\"");
}

/* Letters, digits and hyphens, of ASCII or not. */
static bool
is_of_label(char c)
{
	return IS_HIGHBIT_SET(c) || isalnum((unsigned char) c) || c == '-';
}

/* At least two labels, none of them empty. */
static bool
is_domain(const char *domain)
{
	int labels = 0;

	for (const char *next = domain;; next++)
	{
		const char *label = next;

		while (is_of_label(*next))
			next++;
		if (next == label || *label == '-' || next[-1] == '-')
			return false;
		labels++;
		if (*next != '.')
			return *next == '\0' && labels >= 2;
	}
}

/* Of the form local@domain, much as in RFC 5321, 4.1.2: words, or quotes, before the one @. */
static bool
is_email(const char *string)
{
	const char *at = string[0] == '"' ? end_of_quotes(string) : end_of_words(string);

	return is_all_seen(string) && at != NULL && at > string && *at == '@' && is_domain(at + 1);
}

BOOKING_FUNCTION_AS_CALLER(booking_has_no_control_characters)
{
	PG_RETURN_BOOL(!booking_text_has_control_character(PG_GETARG_TEXT_PP(0)));
}

BOOKING_FUNCTION_AS_CALLER(booking_is_plausible_email)
{
	PG_RETURN_BOOL(is_email(text_to_cstring(PG_GETARG_TEXT_PP(0))));
}
