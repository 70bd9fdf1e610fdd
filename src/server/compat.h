/*
 * compat.h
 *	  Differences between PostgreSQL 15 and 19, with one name for each.
 */
#ifndef HL_SERVER_COMPAT_H
#define HL_SERVER_COMPAT_H

#include "postgres.h"

#include "catalog/pg_proc.h"
#include "utils/acl.h"
#include "utils/guc.h"

#if PG_VERSION_NUM < 150000
#error "healthlake needs PostgreSQL 15 or later"
#endif

/* Before 16 the "extra" of a check hook is freed by free(). */
#if PG_VERSION_NUM >= 160000
#define hl_compat_guc_malloc(size) guc_malloc(LOG, (size))
#else
#define hl_compat_guc_malloc(size) malloc(size)
#endif

/* 16 has one function for the privileges on every kind of object. */
#if PG_VERSION_NUM >= 160000
#define hl_compat_may_execute(function, role)                                  \
	(object_aclcheck(ProcedureRelationId, (function), (role), ACL_EXECUTE) ==  \
	 ACLCHECK_OK)
#else
#define hl_compat_may_execute(function, role)                                  \
	(pg_proc_aclcheck((function), (role), ACL_EXECUTE) == ACLCHECK_OK)
#endif

/* The source of a setting's value; 16 has a function for it. */
extern GucSource hl_compat_setting_source(const char *name);

/* All settings; 16 copies the table to an array. */
#if PG_VERSION_NUM >= 160000
#define hl_compat_settings(count) get_guc_variables(count)
#else
#define hl_compat_settings(count)                                              \
	(*(count) = GetNumConfigOptions(), get_guc_variables())
#endif

/* 16: a parameter for summarizing indexes; 19: flags. */
#if PG_VERSION_NUM >= 190000
#define hl_compat_insert_index_tuples(target, row, state)                      \
	ExecInsertIndexTuples((target), (state), 0, (row), NIL, NULL)
#elif PG_VERSION_NUM >= 160000
#define hl_compat_insert_index_tuples(target, row, state)                      \
	ExecInsertIndexTuples((target), (row), (state), false, false, NULL, NIL,   \
						  false)
#else
#define hl_compat_insert_index_tuples(target, row, state)                      \
	ExecInsertIndexTuples((target), (row), (state), false, false, NULL, NIL)
#endif

/* 17: access methods have a function that releases their cache. */
#if PG_VERSION_NUM >= 170000
#define hl_compat_end_index_insert(index, about)                               \
	index_insert_cleanup((index), (about))
#else
#define hl_compat_end_index_insert(index, about) ((void) 0)
#endif

/* 18: CHECK constraints can be NOT ENFORCED. */
#if PG_VERSION_NUM >= 180000
#define hl_compat_is_enforced(check) ((check)->ccenforced)
#else
#define hl_compat_is_enforced(check) true
#endif

/* All functions of a name; 19 has an output for the reason. */
#if PG_VERSION_NUM >= 190000
#define hl_compat_candidates(name)                                             \
	FuncnameGetCandidates((name), -1, NIL, false, false, false, true, &(int){0})
#else
#define hl_compat_candidates(name)                                             \
	FuncnameGetCandidates((name), -1, NIL, false, false, false, true)
#endif

/* 19 registers the name of a tranche of locks with its number. */
#if PG_VERSION_NUM >= 190000
#define hl_compat_new_tranche(name) LWLockNewTrancheId(name)
#define hl_compat_name_tranche(number, name) ((void) 0)
#else
#define hl_compat_new_tranche(name) LWLockNewTrancheId()
#define hl_compat_name_tranche(number, name)                                   \
	LWLockRegisterTranche((number), (name))
#endif

/* Since 17 a background worker can run as a role without LOGIN. */
#if PG_VERSION_NUM >= 170000
#define HL_COMPAT_ANY_ROLE BGWORKER_BYPASS_ROLELOGINCHECK
#else
#define HL_COMPAT_ANY_ROLE 0
#endif

#endif
