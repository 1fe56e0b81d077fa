/*
 * stretch.c
 *		Lists of stretches of time. Called by all that gathers slots or time off.
 */
#include "calendar/calendar.h"

void
booking_add_stretch(Stretches *stretches, TimestampTz starts_at, TimestampTz ends_at)
{
	if (stretches->count == stretches->room)
	{
		stretches->room = Max(64, 2 * stretches->room);
		if (stretches->list == NULL)
			stretches->list = palloc(stretches->room * sizeof(Stretch));
		else
			stretches->list = repalloc(stretches->list, stretches->room * sizeof(Stretch));
	}
	stretches->list[stretches->count].starts_at = starts_at;
	stretches->list[stretches->count].ends_at = ends_at;
	stretches->count++;
}
