/*
 * dropped.c
 *	  Values that PostgreSQL dropped when the library was loaded.
 */
#include "postgres.h"

#include "utils/guc_tables.h"
#include "utils/memutils.h"

#include "server/compat.h"
#include "server/dropped.h"

#define PREFIX "healthlake."

/* A placeholder before the parameters were defined. */
typedef struct Noted
{
	const char *name;
	GucSource source;
	GucSource reset_source;
	GucContext reset_context;
	bool in_file;  /* it is also set in a configuration file */
	List *stacked; /* integers, innermost first: state and source */
} Noted;

/* What permits calls again. */
typedef enum Mending
{
	MENDED_NEVER,
	MENDED_BY_VALUE, /* a valid value, from the same source or the session */
	MENDED_BY_RESET, /* a valid value, or RESET */
	MENDED_ALREADY   /* an unknown name in a file: calls are not prevented */
} Mending;

/* A dropped value. */
typedef struct Dropped
{
	const char *name;
	GucSource source;
	Mending mending;
	bool unknown;      /* no setting has that name */
	bool stacked;      /* an outer value of the session is in effect */
	bool is_protected; /* RESET of it alone needs a privilege, like SET */
} Dropped;

static List *noted = NIL;
static List *dropped = NIL;

/* Finds a setting; NULL if it does not exist. */
static struct config_generic *
find_setting(const char *name)
{
	int count;
	struct config_generic **all = hl_compat_settings(&count);

	for (int i = 0; i < count; i++)
		if (pg_strcasecmp(all[i]->name, name) == 0)
			return all[i];
	return NULL;
}

/* Lists the values that are stacked for the ends of transactions. */
static List *
list_stacked(const struct config_generic *setting)
{
	List *stacked = NIL;

	for (const GucStack *stack = setting->stack; stack; stack = stack->prev)
	{
		stacked = lappend_int(stacked, (int) stack->state);
		stacked = lappend_int(stacked, (int) stack->source);
	}
	return stacked;
}

static void
note(const struct config_generic *setting)
{
	Noted *one = palloc0(sizeof(Noted));

	one->name = pstrdup(setting->name);
	one->source = setting->source;
	one->reset_source = setting->reset_source;
	one->reset_context = setting->reset_scontext;
	one->in_file = setting->sourcefile != NULL;
	one->stacked = list_stacked(setting);
	noted = lappend(noted, one);
}

void
hl_dropped_note(void)
{
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
	int count;
	struct config_generic **all = hl_compat_settings(&count);

	for (int i = 0; i < count; i++)
		if ((all[i]->flags & GUC_CUSTOM_PLACEHOLDER) != 0 &&
			pg_strncasecmp(all[i]->name, PREFIX, strlen(PREFIX)) == 0)
			note(all[i]);
	MemoryContextSwitchTo(caller);
}

/* Whether a source belongs to the server: its files or command line. */
static bool
is_of_server(GucSource source)
{
	return source <= PGC_S_ARGV;
}

static void
add(const char *name, GucSource source, Mending mending, bool stacked)
{
	Dropped *one = palloc0(sizeof(Dropped));

	one->name = name;
	one->source = source;
	one->mending = mending;
	one->stacked = stacked;
	dropped = lappend(dropped, one);
}

/* Adds a name that is no setting, if it has had a value. */
static void
add_unknown(const Noted *before)
{
	GucSource source = Max(before->source, before->reset_source);

	if (source == PGC_S_DEFAULT && before->stacked == NIL)
		return;
	add(before->name, source,
		is_of_server(source) ? MENDED_ALREADY : MENDED_BY_RESET, false);
	((Dropped *) llast(dropped))->unknown = true;
}

/*
 * How to correct a value that RESET would restore. RESET does not help if a
 * superuser has set the value, or if it hides a value of a file: it restores
 * the default.
 */
static Mending
mending_of_reset(const Noted *before, const struct config_generic *setting)
{
	bool is_protected = setting->context != PGC_USERSET;

	if (is_protected && before->reset_source == PGC_S_CLIENT &&
		before->reset_context == PGC_BACKEND)
		return MENDED_NEVER;
	if (is_protected || before->in_file || is_of_server(before->reset_source))
		return MENDED_BY_VALUE;
	return MENDED_BY_RESET;
}

/* Adds the values that a setting did not accept. */
static void
add_values(const Noted *before, const struct config_generic *setting)
{
	bool is_set =
		before->source != before->reset_source || before->stacked != NIL;

	if (setting->reset_source != before->reset_source)
		add(before->name, before->reset_source,
			mending_of_reset(before, setting), false);
	if (is_set && (setting->source != before->source ||
				   !equal(list_stacked(setting), before->stacked)))
	{
		add(before->name, PGC_S_SESSION, MENDED_BY_RESET,
			setting->source >= PGC_S_SESSION);
		((Dropped *) llast(dropped))->is_protected =
			setting->context != PGC_USERSET;
	}
}

void
hl_dropped_find(void)
{
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
	ListCell *cell;

	foreach (cell, noted)
	{
		const Noted *before = lfirst(cell);
		const struct config_generic *setting = find_setting(before->name);

		if (setting == NULL || (setting->flags & GUC_CUSTOM_PLACEHOLDER) != 0)
			add_unknown(before);
		else
			add_values(before, setting);
	}
	noted = NIL;
	MemoryContextSwitchTo(caller);
}

void
hl_dropped_forget(const char *name)
{
	ListCell *cell;

	foreach (cell, dropped)
	{
		Dropped *one = lfirst(cell);

		if (one->mending == MENDED_BY_RESET &&
			(name == NULL || pg_strcasecmp(name, one->name) == 0))
			dropped = foreach_delete_current(dropped, cell);
	}
}

/* Whether a valid value has replaced it. */
static bool
is_replaced(const Dropped *one)
{
	const struct config_generic *setting;

	if (one->mending == MENDED_NEVER || one->unknown || one->stacked)
		return false;
	setting = find_setting(one->name);
	return setting != NULL && setting->source >= one->source;
}

/* Whether it prevents calls. */
static bool
blocks(const Dropped *one)
{
	return one->mending != MENDED_ALREADY && !is_replaced(one);
}

/* The source of the value, in words. */
static const char *
origin_of(GucSource source)
{
	switch (source)
	{
		case PGC_S_CLIENT:
			return "the client's startup options";
		case PGC_S_GLOBAL:
			return "a setting of all roles and databases";
		case PGC_S_DATABASE:
			return "a setting of the database";
		case PGC_S_USER:
			return "a setting of the role";
		case PGC_S_DATABASE_USER:
			return "a setting of the role in the database";
		default:
			return is_of_server(source)
					   ? "the server's configuration"
					   : "the session, before the library was loaded";
	}
}

/* The problem, as a message and as a row of a check. */
static char *
sentence_of(const Dropped *one)
{
	if (one->unknown)
		return psprintf("setting \"%s\" does not exist", one->name);
	if (one->mending == MENDED_NEVER)
		return psprintf("setting \"%s\" is in the client's startup options, "
						"which hide the server's value",
						one->name);
	return psprintf("value of setting \"%s\" was ignored when the library was "
					"loaded",
					one->name);
}

static const char *
hint_of(const Dropped *one)
{
	if (one->mending == MENDED_NEVER)
		return "Connect without this option. With \"healthlake\" in "
			   "shared_preload_libraries, PostgreSQL refuses such options "
			   "when the client connects.";
	if (one->unknown)
		return "Correct the name where it is set; RESET ALL or DISCARD ALL "
			   "lets this session continue without it.";
	if (is_of_server(one->source))
		return "Correct the value where it is set, and reload the "
			   "configuration; if it is only removed there, restart the "
			   "server, or connect again if the library is not preloaded.";
	if (one->mending == MENDED_BY_VALUE)
		return "Set it to a valid value; RESET would bring its default.";
	if (one->is_protected)
		return "RESET ALL or DISCARD ALL lets this session continue without "
			   "it; SET and RESET need the privilege to set it.";
	return "Set it to a valid value or RESET it; RESET ALL and DISCARD ALL do "
		   "so, too.";
}

bool
hl_dropped_blocks(void)
{
	ListCell *cell;

	foreach (cell, dropped)
		if (blocks(lfirst(cell)))
			return true;
	return false;
}

void
hl_dropped_refuse(void)
{
	ListCell *cell;

	foreach (cell, dropped)
	{
		const Dropped *one = lfirst(cell);

		if (blocks(one))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("%s", sentence_of(one)),
					 errdetail("It comes from %s. No request is sent with a "
							   "setting other than the intended one.",
							   origin_of(one->source)),
					 errhint("%s", hint_of(one))));
	}
}

List *
hl_dropped_list(void)
{
	List *sentences = NIL;
	ListCell *cell;

	foreach (cell, dropped)
	{
		const Dropped *one = lfirst(cell);

		if (blocks(one) || one->mending == MENDED_ALREADY)
			sentences =
				lappend(sentences,
						psprintf("%s; it comes from %s%s", sentence_of(one),
								 origin_of(one->source),
								 blocks(one) ? ", and no call is made" : ""));
	}
	return sentences;
}
