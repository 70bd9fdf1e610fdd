/*
 * account.h
 *	  The roles and the client of a request, for its row in healthlake_request,
 *	  and the ids and the AWS account that a reply names.
 */
#ifndef HL_AUDIT_ACCOUNT_H
#define HL_AUDIT_ACCOUNT_H

#include "audit/store.h"
#include "aws/outcome.h"
#include "model/request.h"

/*
 * Who asks. The outer role is the one that SET ROLE has set, else the one that
 * has logged in; the current role differs from it in a function that is
 * SECURITY DEFINER. Requests and events belong to these two.
 */
typedef struct HlClient
{
	const char *session_role;
	const char *outer_role;
	const char *current_role;
	const char *address; /* NULL: it has none */
	const char *application;
} HlClient;

/* Who asks in this session, now. */
extern HlClient hl_account_client(void);

/* Adds all of it as parameters, in this order. */
extern void hl_account_add_client(HlParameters *row, const HlClient *who);

/* What is kept of a request, as JSON: masked, and less its client token. */
extern char *hl_account_request(const HlRequest *request);

/* The same of one to the data plane, whose reply named an id; NULL: it did not. */
extern char *hl_account_rest(const HlRest *rest, const char *id);

/* The AWS account in an ARN, palloc'd; NULL: it is none, or has none. */
extern char *hl_account_of_arn(const char *arn);

/* The account that healthlake.role_arn leads to; NULL: it is not set. */
extern char *hl_account_of_settings(void);

/* What AWS's answer names, as long as it is there; NULL: it does not. */
typedef struct HlNamed
{
	const char *datastore_id;
	const char *job_id;
	const char *account;
} HlNamed;

/* Reads a successful reply. */
extern HlNamed hl_account_of_reply(const HlOperation *operation,
								   const HlReply *reply);

#endif
