/*
 * exposure.c
 *	  Finds exposed secrets, and settings that do not bind.
 */
#include "postgres.h"

#include <sys/stat.h>

#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/guc_tables.h"

#include "check/exposure.h"
#include "server/compat.h"
#include "server/file.h"
#include "server/path.h"
#include "server/settings.h"

/* Runs a query that returns texts; adds them to a list that outlives SPI. */
static List *
add_texts(List *texts, const char *sql)
{
	MemoryContext caller = CurrentMemoryContext;
	int path;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	path = hl_path_pin();
	if (SPI_execute(sql, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not search for exposed secrets");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		char *text =
			SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
		MemoryContext spi = MemoryContextSwitchTo(caller);

		if (text != NULL)
			texts = lappend(texts, pstrdup(text));
		MemoryContextSwitchTo(spi);
	}
	hl_path_release(path);
	SPI_finish();
	return texts;
}

/* Adds a file that is not in the list yet. */
static List *
add_file(List *files, char *path)
{
	ListCell *cell;

	foreach (cell, files)
		if (strcmp(lfirst(cell), path) == 0)
			return files;
	return lappend(files, path);
}

/* The files that current values of secrets come from. */
static List *
source_files(void)
{
	List *files = NIL;
	int count;
	struct config_generic **all = hl_compat_settings(&count);

	for (int i = 0; i < count; i++)
		if (all[i]->sourcefile != NULL && hl_settings_is_secret(all[i]->name))
			files = add_file(files, all[i]->sourcefile);
	return files;
}

/* The files with secrets, as far as the current user may see them. */
static List *
files_with_secrets(void)
{
	if (!superuser())
		return source_files();
	return add_texts(
		NIL,
		psprintf("SELECT DISTINCT sourcefile FROM pg_catalog.pg_file_settings"
				 " WHERE pg_catalog.concat(name, '=', setting)"
				 " OPERATOR(pg_catalog.~*) '^%s'",
				 hl_settings_secret_pattern("=", ".")));
}

List *
hl_exposure_files(void)
{
	List *sentences = NIL;
	ListCell *cell;

	foreach (cell, files_with_secrets())
	{
		const char *path = lfirst(cell);
		HlFileStamp stamp = hl_file_stamp(path);

		if (stamp.exists && !hl_file_is_private(&stamp))
			sentences = lappend(
				sentences,
				psprintf("\"%s\" has a secret and mode %04o: other users of "
						 "the operating system can read it",
						 path, (unsigned) (stamp.mode & 07777)));
	}
	return sentences;
}

List *
hl_exposure_catalogs(void)
{
	return add_texts(
		NIL,
		psprintf(
			"SELECT pg_catalog.format('%%s is in %%s, which every role can "
			"read',"
			" pg_catalog.split_part(c, '=', 1), place) FROM ("
			" SELECT pg_catalog.unnest(setconfig) AS c, CASE"
			" WHEN setrole OPERATOR(pg_catalog.=) 0::pg_catalog.oid"
			" THEN 'a setting of database '"
			" WHEN setdatabase OPERATOR(pg_catalog.=) 0::pg_catalog.oid"
			" THEN 'a setting of role '"
			" ELSE 'a setting of role and database ' END"
			" OPERATOR(pg_catalog.||) pg_catalog.concat_ws(', ',"
			" (SELECT rolname FROM pg_catalog.pg_roles r"
			"  WHERE r.oid OPERATOR(pg_catalog.=) setrole),"
			" (SELECT datname FROM pg_catalog.pg_database d"
			"  WHERE d.oid OPERATOR(pg_catalog.=) setdatabase)) AS place"
			" FROM pg_catalog.pg_db_role_setting UNION ALL"
			" SELECT pg_catalog.unnest(proconfig), 'a setting of function '"
			" OPERATOR(pg_catalog.||)"
			" oid::pg_catalog.regprocedure::pg_catalog.text"
			" FROM pg_catalog.pg_proc WHERE proconfig IS NOT NULL) s"
			" WHERE c OPERATOR(pg_catalog.~*) '^%s'",
			hl_settings_secret_pattern("=", ".")));
}

List *
hl_exposure_rails(void)
{
	return add_texts(
		NIL,
		"SELECT pg_catalog.format('%s is set for role %s, %s', s.name,"
		" r.rolname, CASE WHEN p.oid IS NULL"
		" THEN 'which cannot log in: it binds no session'"
		" ELSE pg_catalog.format('and does not bind its function %s, which"
		" runs with the settings of its caller',"
		" p.oid::pg_catalog.regprocedure) END)"
		" FROM (SELECT setrole, pg_catalog.lower(pg_catalog.split_part("
		"pg_catalog.unnest(setconfig), '=', 1)) AS name"
		" FROM pg_catalog.pg_db_role_setting"
		" WHERE setdatabase OPERATOR(pg_catalog.=) 0::pg_catalog.oid"
		" OR setdatabase OPERATOR(pg_catalog.=) (SELECT d.oid"
		" FROM pg_catalog.pg_database d WHERE d.datname"
		" OPERATOR(pg_catalog.=) pg_catalog.current_database())) s"
		" JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) s.setrole"
		" LEFT JOIN pg_catalog.pg_proc p ON r.rolcanlogin AND p.prosecdef"
		" AND p.proowner OPERATOR(pg_catalog.=) r.oid AND NOT EXISTS"
		" (SELECT FROM pg_catalog.unnest(p.proconfig) AS c WHERE"
		" pg_catalog.lower(pg_catalog.split_part(c, '=', 1))"
		" OPERATOR(pg_catalog.=) s.name)"
		" WHERE s.name OPERATOR(pg_catalog.~) '^healthlake[.]"
		"(allowed_(datastores|regions)|required_tags|require_(bearer_token|"
		"customer_key)|audit|audit_reads|max_re(quest|sponse)_size)$'"
		" AND (p.oid IS NOT NULL OR NOT r.rolcanlogin)"
		" ORDER BY r.rolname, s.name");
}

/* Whether the current user may read pg_file_settings. */
static bool
may_read_files(void)
{
	return add_texts(NIL,
					 "SELECT 'yes' WHERE pg_catalog.has_table_privilege("
					 "'pg_catalog.pg_file_settings', 'SELECT')"
					 " AND pg_catalog.has_function_privilege("
					 "'pg_catalog.pg_show_all_file_settings()', 'EXECUTE')") !=
		   NIL;
}

/* PostgreSQL's reasons do not quote the value. */
List *
hl_exposure_refused(void)
{
	if (!may_read_files())
		return NIL;
	return add_texts(
		NIL, "SELECT pg_catalog.format('\"%s\" in line %s of \"%s\" is not in"
			 " effect: %s', name, sourceline, sourcefile, error)"
			 " FROM pg_catalog.pg_file_settings"
			 " WHERE name OPERATOR(pg_catalog.~*) '^healthlake[.]'"
			 " AND error IS NOT NULL ORDER BY seqno");
}

List *
hl_exposure_schema(void)
{
	return add_texts(
		NIL,
		"SELECT pg_catalog.format('%s can create functions in schema %s: a"
		" call may find one of these in place of the extension''s own',"
		" CASE WHEN s.everyone THEN 'every role' ELSE"
		" pg_catalog.concat('role ', s.roles) END, s.name)"
		" FROM (SELECT pg_catalog.quote_ident(n.nspname) AS name,"
		" pg_catalog.has_schema_privilege('public'::pg_catalog.name, n.oid,"
		" 'CREATE') AS everyone, (SELECT pg_catalog.string_agg("
		"pg_catalog.quote_ident(r.rolname), ', '::pg_catalog.text"
		" ORDER BY r.rolname) FROM pg_catalog.pg_roles r"
		" WHERE NOT r.rolsuper AND r.oid OPERATOR(pg_catalog.<>) e.extowner"
		/* predefined roles log in as nobody */
		" AND r.oid OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid"
		" AND pg_catalog.has_schema_privilege(r.oid, n.oid, 'CREATE'))"
		" AS roles FROM pg_catalog.pg_extension e"
		" JOIN pg_catalog.pg_namespace n"
		" ON n.oid OPERATOR(pg_catalog.=) e.extnamespace"
		" WHERE e.extname OPERATOR(pg_catalog.=)"
		" 'healthlake'::pg_catalog.name) s"
		" WHERE s.everyone OR s.roles IS NOT NULL");
}

/* The view of pg_stat_statements, if the current user may see it. */
static List *
find_statements(void)
{
	if (shared_preload_libraries_string == NULL ||
		strstr(shared_preload_libraries_string, "pg_stat_statements") == NULL)
		return NIL;
	return add_texts(
		NIL,
		"SELECT c.oid::pg_catalog.regclass::pg_catalog.text"
		" FROM pg_catalog.pg_extension e"
		" JOIN pg_catalog.pg_depend d"
		" ON d.refobjid OPERATOR(pg_catalog.=) e.oid"
		" AND d.refclassid OPERATOR(pg_catalog.=)"
		" 'pg_catalog.pg_extension'::pg_catalog.regclass::pg_catalog.oid"
		" JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) d.objid"
		" AND d.classid OPERATOR(pg_catalog.=)"
		" 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid"
		" WHERE e.extname OPERATOR(pg_catalog.=)"
		" 'pg_stat_statements'::pg_catalog.name"
		" AND c.relname OPERATOR(pg_catalog.=)"
		" 'pg_stat_statements'::pg_catalog.name"
		" AND pg_catalog.has_table_privilege(c.oid, 'SELECT')"
		" AND pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE')");
}

List *
hl_exposure_statements(bool *is_kept)
{
	List *views = find_statements();

	*is_kept = views != NIL;
	if (views == NIL)
		return NIL;
	return add_texts(
		NIL, psprintf("SELECT pg_catalog.format('pg_stat_statements keeps %%s"
					  " statements with a secret: their role and"
					  " pg_read_all_stats can read them', n)"
					  " FROM (SELECT pg_catalog.count(*) AS n FROM %s"
					  " WHERE pg_catalog.replace(query, '\"', '')"
					  " OPERATOR(pg_catalog.~*) '%s') s"
					  " WHERE n OPERATOR(pg_catalog.>) 0::pg_catalog.int8",
					  (char *) linitial(views),
					  hl_settings_secret_pattern(
						  /* SET, or set_config() in a block */
						  "(''?\\s*(=|\\sto\\s)|''\\s*,(?=\\s*''))"
						  "\\s*(?!default)''?",
						  "[^''$\\s]")));
}
