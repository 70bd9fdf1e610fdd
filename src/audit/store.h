/*
 * store.h
 *	  The table healthlake_request, which only its owner may write. A step runs
 *	  one or more statements as that owner, with search_path = pg_catalog,
 *	  pg_temp. After an error in a step, the abort of the (sub)transaction
 *	  restores the user and the path. SPI must be connected. Plans are kept for
 *	  the life of the backend.
 */
#ifndef HL_AUDIT_STORE_H
#define HL_AUDIT_STORE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "executor/spi.h"

#include "audit/statements.h"

/* Where the extension is in this database; valid for the transaction. */
typedef struct HlStore
{
	Oid extension;
	Oid schema;
	Oid table;
	Oid events;              /* the history */
	Oid event_ids;           /* its sequence */
	Oid owner;               /* of the table */
	const char *schema_name; /* quoted */
	const char *name; /* schema and table, quoted; lives as long as plans */
} HlStore;

/* The state that a step changes and restores. */
typedef struct HlStoreStep
{
	Oid user;
	int context;
	int nest_level;
} HlStoreStep;

/* The parameters of a statement, as SPI_execute_plan() takes them. */
typedef struct HlParameters
{
	int count;
	Datum values[32];
	char nulls[32];
} HlParameters;

/* The store of this database; NULL: it has no extension, or an older one. */
extern const HlStore *hl_store_find(void);

/* The same; throws 55000 if there is none. */
extern const HlStore *hl_store_need(void);

/* Begin and end a step as the owner. */
extern void hl_store_enter(HlStoreStep *step, const HlStore *store);
extern void hl_store_leave(const HlStoreStep *step);

/* Adds a parameter. Texts in the encoding of the database; NULL is null. */
extern void hl_store_add(HlParameters *parameters, Datum value);
extern void hl_store_add_text(HlParameters *parameters, const char *text);
extern void hl_store_add_null(HlParameters *parameters);
extern void hl_store_add_time(HlParameters *parameters, TimestampTz time);

/* Plans a statement within a step, which detects problems with it. */
extern void hl_store_plan(const HlStore *store, HlStatement statement);

/*
 * Runs a statement within a step; returns the number of rows it has changed,
 * or of those in SPI_tuptable. The second form may change finished rows, which
 * a trigger prevents otherwise; the third sees all that is committed by now.
 */
extern uint64 hl_store_run(const HlStore *store, HlStatement statement,
						   const HlParameters *parameters);
extern uint64 hl_store_alter(const HlStore *store, HlStatement statement,
							 const HlParameters *parameters);
extern uint64 hl_store_run_latest(const HlStore *store, HlStatement statement,
								  const HlParameters *parameters);

/*
 * A column of a row of SPI_tuptable, or of another result, by its name; NULL
 * if it is null. The owner of the tables may have altered its type, which is
 * an error.
 */
extern const char *hl_store_text(uint64 row, const char *column);
extern Datum hl_store_value(uint64 row, const char *column, Oid type,
							bool *isnull);
extern Datum hl_store_value_of(const SPITupleTable *rows, uint64 row,
							   const char *column, Oid type, bool *isnull);

/* A time, and the value of hl_store_add_time(), for null. */
#define HL_NO_TIME DT_NOBEGIN
extern TimestampTz hl_store_time(uint64 row, const char *column);

/* The trigger that protects finished rows. */
extern Datum hl_store_protect(FunctionCallInfo fcinfo);

/* The trigger that protects the history; only a purge may delete. */
extern Datum hl_store_protect_event(FunctionCallInfo fcinfo);

#endif
