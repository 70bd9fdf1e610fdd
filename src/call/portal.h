/*
 * portal.h
 *	  Statements that PostgreSQL would run a second time: a scrollable cursor
 *	  that is fetched backwards or held over COMMIT, and a security-restricted
 *	  operation such as REFRESH MATERIALIZED VIEW. Every function that changes
 *	  something checks this first.
 */
#ifndef HL_CALL_PORTAL_H
#define HL_CALL_PORTAL_H

/*
 * Makes every running portal NO SCROLL, so that its rows are computed only
 * once. Throws 0A000, naming the SQL function, in a security-restricted
 * operation.
 */
extern void hl_portal_forbid_rerun(const char *function);

#endif
