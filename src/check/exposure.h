/*
 * exposure.h
 *	  Finds exposed secrets: in files that other users of the operating system
 *	  can read, in catalogs that every role can read, and in the texts of
 *	  statements; settings that bind less than they seem to; and roles that
 *	  can have their functions called instead of the extension's. Each function
 *	  returns a List of sentences (char *), palloc'd in the current
 *	  memory context, which repeat no secret.
 */
#ifndef HL_CHECK_EXPOSURE_H
#define HL_CHECK_EXPOSURE_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* Configuration files with a secret that not only the server can read. */
extern List *hl_exposure_files(void);

/* Settings of roles, databases and functions. */
extern List *hl_exposure_catalogs(void);

/*
 * Guard rails that are set for a role without LOGIN, and those of a role that
 * do not bind its SECURITY DEFINER functions in this database.
 */
extern List *hl_exposure_rails(void);

/*
 * Lines of the configuration files that PostgreSQL has not applied; none if the
 * current user may not read pg_file_settings.
 */
extern List *hl_exposure_refused(void);

/* Roles that can create functions beside those of the extension. */
extern List *hl_exposure_schema(void);

/*
 * Statements that pg_stat_statements keeps, as far as the current user sees
 * them; is_kept tells whether it is there at all.
 */
extern List *hl_exposure_statements(bool *is_kept);

#endif
