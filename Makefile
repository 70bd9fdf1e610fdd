# make, make install and make installcheck are PGXS's; PG_CONFIG names the
# server to build for. Everything below the include is for releases and tests.

# The folder of this file, which is another than the one that is built in where
# make is called with -f, and perhaps VPATH, as PGXS and pg_buildext have it.
SOURCE := $(or $(VPATH),$(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST)))))
find_sources = $(sort $(patsubst $(SOURCE)/%,%,\
	$(wildcard $(addprefix $(SOURCE)/,$(1)))))

MODULE_big = healthlake
OBJS := $(patsubst %.c,%.o,$(call find_sources,src/*.c src/*/*.c))

EXTENSION = healthlake
DATA := $(call find_sources,sql/healthlake--*.sql)

# A library of nothing would be built, and packed, without a word.
ifeq (,$(and $(filter src/healthlake.o,$(OBJS)),$(DATA)))
$(error $(SOURCE) has no sources of healthlake)
endif

# What needs no endpoint. The others in test/sql need the emulator that test/run
# starts, and stop at their beginning without it.
REGRESS = refusals surface
REGRESS_OPTS = --inputdir=$(SOURCE)/test

EXTVERSION := $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" \
	$(SOURCE)/healthlake.control)
PG_CPPFLAGS = -I$(SOURCE)/src -DHEALTHLAKE_VERSION='"$(EXTVERSION)"'
PG_CFLAGS = -Wall -Wextra -Werror -Wno-unused-parameter \
	-Wno-missing-field-initializers -fvisibility=hidden
# the server's own flags are gcc's, and clang does not know all of them
ifneq (,$(findstring clang,$(CC)))
PG_CFLAGS += -Wno-unknown-warning-option -Wno-ignored-optimization-argument \
	-Wno-unused-command-line-argument -Wno-ignored-attributes
endif
SHLIB_LINK = -lcurl -lssl -lcrypto
EXTRA_CLEAN = $(UNIT_PROGRAMS) $(FUZZ_PROGRAMS) test/unit/build \
	test/fhir/fuzz.so test/engine/calls.so test/proof/fuzz_sql.so

# An extension that waits for a network gains nothing from inlined bitcode.
override with_llvm = no

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
ifeq (,$(wildcard $(PGXS)))
$(error $(PG_CONFIG) leads to no PGXS: install postgresql-server-dev-N, or set \
	PG_CONFIG)
endif
include $(PGXS)

# A header that changes rebuilds everything: the tree is small, and PGXS
# tracks no header of an extension unless the server was built to.
HEADERS_ALL = $(wildcard $(SOURCE)/src/*.h $(SOURCE)/src/*/*.h)
$(OBJS): $(HEADERS_ALL)

# The rooms' folders, in a folder apart. A rule would find those of the sources.
ifneq (.,$(SOURCE))
$(shell mkdir -p $(sort $(dir $(OBJS))))
endif

# What PGXN gets: the commit that is checked out, less what .gitattributes
# leaves out.
RELEASE := healthlake-$(shell sed -n 's/^   "version": "\(.*\)",/\1/p' \
	$(SOURCE)/META.json)

.PHONY: dist
dist:
	git -C $(SOURCE) archive --format=zip --prefix=$(RELEASE)/ HEAD \
		>$(RELEASE).zip

# The ground floor and the model's tables as ordinary programs, under the
# sanitizers.
GROUND = $(wildcard src/base/*.c src/http/*.c src/aws/*.c)
FUZZ_PROGRAMS = $(patsubst %.c,%,$(wildcard test/unit/fuzz_*.c))
UNIT_PROGRAMS = $(filter-out $(FUZZ_PROGRAMS),\
	$(patsubst %.c,%,$(wildcard test/unit/*.c)))
UNIT_CC ?= $(CC)
UNIT_SANITIZE ?= -fsanitize=address,undefined -fno-sanitize-recover=all
UNIT_CFLAGS = -g -O1 -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror \
	-Wno-unused-parameter -Wno-missing-field-initializers $(UNIT_SANITIZE) \
	-Isrc -Itest/unit $(UNIT_COPT)
UNIT_OBJS = $(patsubst src/%.c,test/unit/build/%.o,\
	$(GROUND) src/model/model.c src/model/model_tables.c \
	src/model/fhir_operations.c)

test/unit/build/%.o: src/%.c $(HEADERS_ALL)
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) -c -o $@ $<

$(UNIT_PROGRAMS): test/unit/%: test/unit/%.c $(UNIT_OBJS) \
		$(wildcard test/unit/*.h)
	$(UNIT_CC) $(UNIT_CFLAGS) $(UNIT_LDFLAGS) -o $@ $< $(UNIT_OBJS) -lcurl -lssl -lcrypto

# This one has an allocator that fails, before the one of all those files.
test/unit/memory: UNIT_LDFLAGS = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc

# Fuzz targets take libFuzzer's arguments: test/unit/fuzz_json -runs=1000000
FUZZ_CC ?= clang
FUZZ_CFLAGS = $(UNIT_CFLAGS) -O2 -fsanitize=fuzzer-no-link
FUZZ_OBJS = $(patsubst src/%.c,test/unit/build/fuzz/%.o,$(GROUND))

test/unit/build/fuzz/%.o: src/%.c $(HEADERS_ALL)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -c -o $@ $<

# This one brings the source along, whose callbacks nobody else sees.
test/unit/fuzz_reply: FUZZ_OBJS := $(filter-out %/reply.o,$(FUZZ_OBJS))

$(FUZZ_PROGRAMS): test/unit/%: test/unit/%.c $(FUZZ_OBJS) \
		$(wildcard test/unit/*.h)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $< $(FUZZ_OBJS) \
		-lcurl -lssl -lcrypto

# Paths and views, to be fuzzed inside a backend: test/behaviour/fhirpath_fuzz.py
# loads it. Undefined behaviour traps, for which no runtime is needed.
FHIR_FUZZ_SOURCES = test/fhir/fuzz.c $(filter-out %/functions.c %/create.c,\
	$(wildcard src/fhirpath/*.c))

test/fhir/fuzz.so: $(FHIR_FUZZ_SOURCES) $(HEADERS_ALL)
	$(FUZZ_CC) -g -O2 -shared -fPIC -Isrc \
		-I$(shell $(PG_CONFIG) --includedir-server) -D_GNU_SOURCE \
		-Wno-ignored-attributes \
		-fsanitize=fuzzer-no-link,undefined -fsanitize-trap=undefined \
		-o $@ $(FHIR_FUZZ_SOURCES) \
		$(shell $(FUZZ_CC) -print-file-name=libclang_rt.fuzzer_no_main-$(shell \
		uname -m).a) -l:libstdc++.so.6 -lm -lpthread

# What comes in through SQL, to be fuzzed inside a backend: test/proof/fuzz.py
# has it loaded in the extension's place.
SQL_FUZZ_OBJS = $(patsubst src/%.c,test/unit/build/sql/%.o,\
	$(wildcard src/*.c src/*/*.c)) test/unit/build/sql/fuzz_sql.o
SQL_FUZZ_CFLAGS = -g -O1 -fPIC -Isrc -I$(shell $(PG_CONFIG) --includedir-server) \
	-D_GNU_SOURCE -DHEALTHLAKE_VERSION='"$(EXTVERSION)"' -Wno-ignored-attributes \
	-fsanitize=fuzzer-no-link,undefined -fsanitize-trap=undefined

test/unit/build/sql/fuzz_sql.o: test/proof/fuzz_sql.c $(HEADERS_ALL)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(SQL_FUZZ_CFLAGS) -c -o $@ $<

test/unit/build/sql/%.o: src/%.c $(HEADERS_ALL)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(SQL_FUZZ_CFLAGS) -c -o $@ $<

test/proof/fuzz_sql.so: $(SQL_FUZZ_OBJS)
	$(FUZZ_CC) -shared -o $@ $(SQL_FUZZ_OBJS) $(SHLIB_LINK) \
		$(shell $(FUZZ_CC) -print-file-name=libclang_rt.fuzzer_no_main-$(shell \
		uname -m).a) -l:libstdc++.so.6 -lm -lpthread

# Many calls in one run of the engine: test/behaviour/engine_calls.py loads it
# in the extension's place.
test/engine/calls.so: test/engine/calls.c $(OBJS)
	$(CC) $(CFLAGS) -fPIC -shared -Isrc $(CPPFLAGS) -o $@ $< $(OBJS) \
		$(SHLIB_LINK)

# Says by its success whether FUZZ_CC is there, with its libFuzzer.
fuzz_possible:
	@mkdir -p test/unit/build
	echo 'int LLVMFuzzerTestOneInput(void); \
		int LLVMFuzzerTestOneInput(void) { return 0; }' | \
		$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer -x c \
		-o test/unit/build/$@ -

.PHONY: unit fuzz fuzz_possible
unit: $(UNIT_PROGRAMS)
fuzz: $(FUZZ_PROGRAMS)
