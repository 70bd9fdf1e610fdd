/*
 * compat.h
 *	  What differs between PostgreSQL 15 and 19, under one name each.
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

/* Before 16 what a check hook hands on is freed by free(). */
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

/* 16 finds a setting by itself; before, one looks through all of them. */
extern GucSource hl_compat_setting_source(const char *name);

/* Gives all settings; 16 makes an array of them, before it is the table. */
#if PG_VERSION_NUM >= 160000
#define hl_compat_settings(count) get_guc_variables(count)
#else
#define hl_compat_settings(count)                                              \
	(*(count) = GetNumConfigOptions(), get_guc_variables())
#endif

/* Since 16 only some of a row's index entries may be wanted; 19 has flags. */
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

/* Since 17 an access method lets go at the end of what it has kept. */
#if PG_VERSION_NUM >= 170000
#define hl_compat_end_index_insert(index, about)                               \
	index_insert_cleanup((index), (about))
#else
#define hl_compat_end_index_insert(index, about) ((void) 0)
#endif

/* Since 18 a CHECK may be declared and not be checked. */
#if PG_VERSION_NUM >= 180000
#define hl_compat_is_enforced(check) ((check)->ccenforced)
#else
#define hl_compat_is_enforced(check) true
#endif

/* All functions of a name; 19 tells besides why there are none. */
#if PG_VERSION_NUM >= 190000
#define hl_compat_candidates(name)                                             \
	FuncnameGetCandidates((name), -1, NIL, false, false, false, true, &(int){0})
#else
#define hl_compat_candidates(name)                                             \
	FuncnameGetCandidates((name), -1, NIL, false, false, false, true)
#endif

/* 19 names a tranche of locks where it gives its number. */
#if PG_VERSION_NUM >= 190000
#define hl_compat_new_tranche(name) LWLockNewTrancheId(name)
#define hl_compat_name_tranche(number, name) ((void) 0)
#else
#define hl_compat_new_tranche(name) LWLockNewTrancheId()
#define hl_compat_name_tranche(number, name)                                   \
	LWLockRegisterTranche((number), (name))
#endif

/* From 17 on a background worker may be a role that may not log in. */
#if PG_VERSION_NUM >= 170000
#define HL_COMPAT_ANY_ROLE BGWORKER_BYPASS_ROLELOGINCHECK
#else
#define HL_COMPAT_ANY_ROLE 0
#endif

#endif
