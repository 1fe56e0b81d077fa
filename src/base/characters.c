/*
 * characters.c
 *		What kind of character Unicode takes each for, in whatever encoding the database has. Called
 *		by text.c and visible.c.
 */
#include "base/base.h"

#include "catalog/pg_conversion.h"
#include "catalog/pg_namespace_d.h"
#include "mb/pg_wchar.h"

/* Stands for the code of a character that is of no class here. */
#define NO_CODE 0xFFFFFFFF

/*
 * From Unicode 15.1, unicode.org/Public/15.1.0/ucd. CONTROL: General_Category Cc, Zl and Zp, and
 * Bidi_Control (PropList.txt). BLANK: White_Space (PropList.txt). HIDDEN: Default_Ignorable_Code_Point
 * (DerivedCoreProperties.txt) and General_Category Cf, but for Prepended_Concatenation_Mark, which is
 * seen. ATTACHED: Variation_Selector and the tags of flags, which belong to the character before.
 * test/t/characters.pl compares them with Perl's.
 */
#define CONTROL CONTROL_CHARACTER
#define BLANK BLANK_CHARACTER
#define HIDDEN HIDDEN_CHARACTER
#define ATTACHED ATTACHED_CHARACTER
static const struct
{
	uint32 first;
	uint32 last;
	int classes;
} ranges[] = {
	{0x0000, 0x0008, CONTROL},
	{0x0009, 0x000D, CONTROL | BLANK},
	{0x000E, 0x001F, CONTROL},
	{0x0020, 0x0020, BLANK},
	{0x007F, 0x0084, CONTROL},
	{0x0085, 0x0085, CONTROL | BLANK},
	{0x0086, 0x009F, CONTROL},
	{0x00A0, 0x00A0, BLANK},
	{0x00AD, 0x00AD, HIDDEN},
	{0x034F, 0x034F, HIDDEN},
	{0x061C, 0x061C, CONTROL | HIDDEN},
	{0x115F, 0x1160, HIDDEN},
	{0x1680, 0x1680, BLANK},
	{0x17B4, 0x17B5, HIDDEN},
	{0x180B, 0x180D, HIDDEN | ATTACHED},
	{0x180E, 0x180E, HIDDEN},
	{0x180F, 0x180F, HIDDEN | ATTACHED},
	{0x2000, 0x200A, BLANK},
	{0x200B, 0x200D, HIDDEN},
	{0x200E, 0x200F, CONTROL | HIDDEN},
	{0x2028, 0x2029, CONTROL | BLANK},
	{0x202A, 0x202E, CONTROL | HIDDEN},
	{0x202F, 0x202F, BLANK},
	{0x205F, 0x205F, BLANK},
	{0x2060, 0x2065, HIDDEN},
	{0x2066, 0x2069, CONTROL | HIDDEN},
	{0x206A, 0x206F, HIDDEN},
	{0x3000, 0x3000, BLANK},
	{0x3164, 0x3164, HIDDEN},
	{0xFE00, 0xFE0F, HIDDEN | ATTACHED},
	{0xFEFF, 0xFEFF, HIDDEN},
	{0xFFA0, 0xFFA0, HIDDEN},
	{0xFFF0, 0xFFFB, HIDDEN},
	{0x13430, 0x1343F, HIDDEN},
	{0x1BCA0, 0x1BCA3, HIDDEN},
	{0x1D173, 0x1D17A, HIDDEN},
	{0xE0000, 0xE001F, HIDDEN},
	{0xE0020, 0xE007F, HIDDEN | ATTACHED},
	{0xE0080, 0xE00FF, HIDDEN},
	{0xE0100, 0xE01EF, HIDDEN | ATTACHED},
	{0xE01F0, 0xE0FFF, HIDDEN},
};

/* In other encodings than Unicode's, the characters of these classes that are not ASCII. */
#define MOST_KNOWN 128
static struct
{
	unsigned char bytes[MAX_MULTIBYTE_CHAR_LEN + 1];
	int length;
	uint32 code;
} known[MOST_KNOWN];
static int known_count = 0;

static int
classes_of(uint32 code)
{
	int low = 0;
	int high = lengthof(ranges);

	while (low < high)
	{
		int middle = (low + high) / 2;

		if (code > ranges[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	return low < lengthof(ranges) && code >= ranges[low].first ? ranges[low].classes : 0;
}

/* Notes how the database writes a character, if it can. */
static void
know_character(uint32 code, Oid conversion, int encoding)
{
	unsigned char utf8[MAX_MULTIBYTE_CHAR_LEN + 1] = {0};
	unsigned char bytes[MAX_CONVERSION_GROWTH * MAX_MULTIBYTE_CHAR_LEN + 1];
	int length;

	unicode_to_utf8(code, utf8);
	length = pg_utf_mblen(utf8);
	if (pg_do_encoding_conversion_buf(conversion, PG_UTF8, encoding, utf8, length, bytes,
									  sizeof(bytes), true) < length ||
		!IS_HIGHBIT_SET(bytes[0]) || strlen((char *) bytes) > MAX_MULTIBYTE_CHAR_LEN ||
		known_count == lengthof(known))
		return;
	known[known_count].code = code;
	known[known_count].length = strlen((char *) bytes);
	memcpy(known[known_count++].bytes, bytes, sizeof(known->bytes));
}

/*
 * To be called before characters are read, and not while an error is handled, since it reads the
 * catalogue. It takes the server's own conversion: somebody may have put another one in the search path.
 */
void
booking_know_encoding(void)
{
	static bool is_known = false;
	int encoding;
	Oid conversion;

	if (is_known)
		return;
	encoding = GetDatabaseEncoding();
	if (encoding != PG_UTF8 && encoding != PG_SQL_ASCII)
	{
		conversion = FindDefaultConversion(PG_CATALOG_NAMESPACE, PG_UTF8, encoding);
		known_count = 0;
		for (int i = 0; i < lengthof(ranges) && OidIsValid(conversion); i++)
		{
			for (uint32 code = ranges[i].first; code <= ranges[i].last && code <= 0xFFFF; code++)
			{
				if (code >= 0x80)
					know_character(code, conversion, encoding);
			}
		}
	}
	is_known = true;
}

/* What is no valid sequence, which SQL_ASCII lets in, is taken byte by byte. */
static void
read_unicode(const unsigned char *text, int length, Character *character)
{
	int bytes = pg_utf_mblen(text);

	if (bytes <= length && pg_utf8_islegal(text, bytes))
	{
		character->length = bytes;
		character->code = utf8_to_unicode(text);
		character->classes = classes_of(character->code);
	}
	else
	{
		character->is_byte = true;
		character->classes = classes_of(*text) & CONTROL;
	}
}

static void
read_other(const unsigned char *text, int length, Character *character)
{
	character->length = Min(pg_encoding_mblen(GetDatabaseEncoding(), (const char *) text), length);
	character->code = NO_CODE;
	for (int i = 0; i < known_count && character->code == NO_CODE; i++)
	{
		if (known[i].length == character->length &&
			memcmp(known[i].bytes, text, character->length) == 0)
			character->code = known[i].code;
	}
	character->classes = classes_of(character->code);
}

/* Reads the first character of a text, of so many bytes; there is one at least. */
void
booking_read_character(const char *text, int length, Character *character)
{
	const unsigned char *bytes = (const unsigned char *) text;

	character->code = *bytes;
	character->length = 1;
	character->is_byte = false;
	if (!IS_HIGHBIT_SET(*bytes))
		character->classes = classes_of(*bytes);
	else if (GetDatabaseEncoding() == PG_UTF8 || GetDatabaseEncoding() == PG_SQL_ASCII)
		read_unicode(bytes, length, character);
	else
		read_other(bytes, length, character);
}
