# make                       build the extension        make install   install it
# make installcheck          regression and isolation tests on a running server
#
# These need nothing but git and make; they fetch what is missing from Debian's
# packages, and use throwaway PostgreSQL clusters of their own:
#
# make demo                  build, install and show an appointment book at work
# make demo KEEP=1           the same, and leave its server up to play with
# make test                  every suite; closes with "N passed, N failed"
# make test SUITES=pgtap     some of: regress isolation pgtap tap
# make test SUITES=regress TESTS="one two"      single tests, by file name
# make test DIRECT=off       with booking.direct off, by statements, alone; else regress, isolation
#                            and pgtap run both ways, tap directly
# make test-long             the TAP tests that can go on for longer, for as long: many crashes,
#                            large books
# make test-versions         the suites on PostgreSQL of Debian's other releases, in throwaway
#                            chroots; only as root
# make test-versions VERSIONS="17 18"           on some of them; SUITES and TESTS as above
# make test-postgrest POSTGREST=path            the requests of doc/rest.md, by a PostgREST
# make bench                 performance side by side with plain SQL; see bench/README.md
# make lint                  warnings as errors, cppcheck, clang-format, ...
# make coverage              line coverage of src/ by all suites

# What is not set is found out anew by each tool: it may change when packages are installed.
ifdef PG_CONFIG
export PG_CONFIG
else
PG_CONFIG := $(or $(shell tools/pg-config),pg_config)
endif

EXTENSION = booking
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" booking.control)

MODULE_big = booking
PG_CPPFLAGS = -I$(CURDIR)/src -DBOOKING_VERSION='"$(EXTVERSION)"'
# PostgreSQL's headers have unused parameters, its lengthof() is unsigned, and what an
# initializer leaves out is meant to be zero.
ifdef STRICT
PG_CFLAGS = -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers
endif
OBJS = $(patsubst %.c,%.o,$(wildcard src/*.c src/*/*.c))
DATA = $(wildcard sql/booking--*--*.sql)
DATA_built = sql/booking--$(EXTVERSION).sql

# PostgreSQL 15 looks for expected/ in the output directory, which is the top here,
# for isolation tests too; 16 wants to be told.
TEST_OPTS = --inputdir=test --outputdir=. --load-extension=btree_gist --load-extension=booking \
	$(if $(filter 15,$(MAJORVERSION)),,--expecteddir=.)
REGRESS = $(sort $(patsubst test/sql/%.sql,%,$(wildcard test/sql/*.sql)))
REGRESS_OPTS = $(TEST_OPTS)
ISOLATION = $(sort $(patsubst test/specs/%.spec,%,$(wildcard test/specs/*.spec)))
ISOLATION_OPTS = $(TEST_OPTS)

PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
HEADER := $(shell $(PG_CONFIG) --includedir-server 2>/dev/null)/postgres.h
ifneq ($(and $(wildcard $(PGXS)),$(wildcard $(HEADER))),)
include $(PGXS)
else
all install uninstall installcheck clean:
	$(error missing Debian package: postgresql-server-dev-$(or $(shell tools/pg-config --major),N) (or set PG_CONFIG; "apt-cache depends postgresql" tells N))
endif

$(OBJS) $(OBJS:.o=.bc): $(wildcard src/*/*.h)
src/base/version.o src/base/version.bc: booking.control

$(DATA_built): $(sort $(wildcard sql/[0-9]*.sql))
	cat $^ > $@

demo test lint coverage:
	@tools/packages $@
	@tools/$@

test-long:
	@tools/packages test
	@LONG=1 SUITES=tap TESTS="$(or $(TESTS),$(basename $(notdir $(shell grep -l 'ENV{LONG}' test/t/*.pl))))" tools/test

test-versions:
	@tools/$@

test-postgrest:
	@tools/packages test
	@tools/$@

bench:
	@tools/packages $@
	@bench/run

.PHONY: demo test test-long test-versions lint coverage bench test-postgrest
