/*
 * portal.h
 *	  Statements that PostgreSQL would run a second time: a scrollable cursor
 *	  that is fetched backwards or held over COMMIT, a security-restricted
 *	  operation such as REFRESH MATERIALIZED VIEW, and a row that is computed
 *	  again because another transaction has updated it. Every function that
 *	  changes something checks this first.
 */
#ifndef HL_CALL_PORTAL_H
#define HL_CALL_PORTAL_H

/*
 * Makes every running portal NO SCROLL, so that its rows are computed only
 * once. Throws 0A000, naming the SQL function, in a security-restricted
 * operation, and 40001 for a row that is computed again, or 38M01 if AWS has
 * carried out a change in this transaction; this depends on
 * CurrentMemoryContext, which must be the caller's of the function.
 */
extern void hl_portal_forbid_rerun(const char *function);

#endif
