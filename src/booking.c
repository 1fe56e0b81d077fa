/*
 * booking.c
 *		Module magic. Called by the server when it loads the library.
 */
#include "booking.h"

PG_MODULE_MAGIC;
