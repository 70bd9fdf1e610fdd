/*
 * exposure.c
 *	  Where secrets lie open.
 */
#include "postgres.h"

#include <sys/stat.h>

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/guc_tables.h"

#include "check/exposure.h"
#include "server/compat.h"
#include "server/file.h"
#include "server/path.h"

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

/* Adds the file that a current value comes from. */
static List *
add_source_file(List *files, const char *name)
{
	int count;
	struct config_generic **all = hl_compat_settings(&count);

	for (int i = 0; i < count; i++)
		if (strcmp(all[i]->name, name) == 0 && all[i]->sourcefile != NULL)
			files = lappend(files, all[i]->sourcefile);
	return files;
}

/* The files with secrets, as far as the current user may see them. */
static List *
files_with_secrets(void)
{
	List *files = NIL;

	if (superuser())
		return add_texts(
			NIL, "SELECT DISTINCT sourcefile FROM pg_catalog.pg_file_settings"
				 " WHERE name OPERATOR(pg_catalog.~*)"
				 " '^healthlake[.](secret_access_key|session_token|proxy)$'"
				 " AND setting OPERATOR(pg_catalog.<>) ''::pg_catalog.text"
				 " AND (name OPERATOR(pg_catalog.!~*) 'proxy$'"
				 " OR setting OPERATOR(pg_catalog.~) '@')");
	files = add_source_file(files, "healthlake.secret_access_key");
	return add_source_file(files, "healthlake.session_token");
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
		"SELECT pg_catalog.format('%s is in %s, which every role can read',"
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
		" WHERE c OPERATOR(pg_catalog.~*) '^healthlake[.]"
		"(access_key_id|secret_access_key|session_token|proxy)=.'"
		" AND (c OPERATOR(pg_catalog.!~*) '^healthlake[.]proxy='"
		" OR c OPERATOR(pg_catalog.~) '@')");
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
					  " statements with a secret key: their role and"
					  " pg_read_all_stats can read them', n)"
					  " FROM (SELECT pg_catalog.count(*) AS n FROM %s"
					  " WHERE query OPERATOR(pg_catalog.~*)"
					  " 'healthlake[.](secret_access_key|session_token)\"?"
					  "\\s*(=|to\\s)\\s*''?[^''$\\s]') s"
					  " WHERE n OPERATOR(pg_catalog.>) 0::pg_catalog.int8",
					  (char *) linitial(views)));
}
