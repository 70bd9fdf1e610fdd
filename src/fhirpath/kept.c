/*
 * kept.c
 *	  Keeps paths and views in fn_extra.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/memutils.h"

#include "fhirpath/constant.h"
#include "fhirpath/kept.h"

/* Allocates memory with a zeroed struct that remembers it. */
static void *
keep(FunctionCallInfo fcinfo, Size size)
{
	MemoryContext memory = AllocSetContextCreate(
		fcinfo->flinfo->fn_mcxt, "healthlake path", ALLOCSET_SMALL_SIZES);

	fcinfo->flinfo->fn_extra =
		MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, size);
	*(MemoryContext *) fcinfo->flinfo->fn_extra = memory;
	return fcinfo->flinfo->fn_extra;
}

/* Whether two values of variable length are the same; either may be NULL. */
static bool
same_bytes(const void *one, const void *other)
{
	if (one == NULL || other == NULL)
		return one == other;
	return VARSIZE_ANY_EXHDR(one) == VARSIZE_ANY_EXHDR(other) &&
		   memcmp(VARDATA_ANY(one), VARDATA_ANY(other),
				  VARSIZE_ANY_EXHDR(one)) == 0;
}

/* A copy with a header of four bytes, in the current memory context. */
static void *
copy_value(const void *value)
{
	Size len = VARSIZE_ANY_EXHDR(value);
	void *copy = palloc(len + VARHDRSZ);

	SET_VARSIZE(copy, len + VARHDRSZ);
	memcpy(VARDATA(copy), VARDATA_ANY(value), len);
	return copy;
}

/* Parses a path and reads its constants. */
static void
make_path(HlKeptPath *kept, const text *path, const Jsonb *constants)
{
	MemoryContext outer;
	text *copy;

	kept->text = NULL;
	MemoryContextReset(kept->memory);
	outer = MemoryContextSwitchTo(kept->memory);
	copy = copy_value(path);
	kept->path = hl_parse_or_throw(VARDATA(copy), VARSIZE(copy) - VARHDRSZ);
	kept->document = constants ? copy_value(constants) : NULL;
	kept->constants = kept->document ? hl_constants_read(kept->document) : NULL;
	hl_constants_check(kept->constants, kept->path);
	kept->text = copy;
	MemoryContextSwitchTo(outer);
}

const HlKeptPath *
hl_kept_path(FunctionCallInfo fcinfo)
{
	HlKeptPath *kept = fcinfo->flinfo->fn_extra;
	text *path = PG_GETARG_TEXT_PP(1);
	Jsonb *constants = NULL;

	if (PG_NARGS() > 2 && !PG_ARGISNULL(2))
		constants = PG_GETARG_JSONB_P(2);
	if (kept == NULL)
		kept = keep(fcinfo, sizeof(HlKeptPath));
	if (kept->text == NULL || !same_bytes(kept->text, path) ||
		!same_bytes(kept->document, constants))
		make_path(kept, path, constants);
	return kept;
}

static void
make_view(HlKeptView *kept, const Jsonb *document)
{
	MemoryContext outer;
	Jsonb *copy;

	kept->document = NULL;
	kept->is_checked = false;
	MemoryContextReset(kept->memory);
	outer = MemoryContextSwitchTo(kept->memory);
	copy = copy_value(document);
	kept->view = hl_view_read(copy);
	kept->flattening = hl_flatten_begin(kept->view);
	kept->document = copy;
	MemoryContextSwitchTo(outer);
}

HlKeptView *
hl_kept_view(FunctionCallInfo fcinfo, int argument)
{
	HlKeptView *kept = fcinfo->flinfo->fn_extra;
	Jsonb *document = PG_GETARG_JSONB_P(argument);

	if (kept == NULL)
		kept = keep(fcinfo, sizeof(HlKeptView));
	if (kept->document == NULL || !same_bytes(kept->document, document))
		make_view(kept, document);
	return kept;
}
