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
 * The origin of a request. The outer role is the one set by SET ROLE, otherwise
 * the login role; in a SECURITY DEFINER function the current role is another
 * one. Requests and events belong to these two.
 */
typedef struct HlClient
{
	const char *session_role;
	const char *outer_role;
	const char *current_role;
	const char *address; /* NULL: none */
	const char *application;
} HlClient;

/* The roles and the client of this session, in the current memory context. */
extern HlClient hl_account_client(void);

/* Whether the current user sees the requests and events of every role. */
extern bool hl_account_sees_all(const HlStore *store);

/* Adds its fields as parameters, in this order. */
extern void hl_account_add_client(HlParameters *row, const HlClient *who);

/*
 * The stored form of a request, as JSON: masked, and without its client token.
 */
extern char *hl_account_request(const HlRequest *request);

/* The same for one to the data plane, with the id in the reply, or NULL. */
extern char *hl_account_rest(const HlRest *rest, const char *id);

/* The AWS account in an ARN, palloc'd; NULL if it has none. */
extern char *hl_account_of_arn(const char *arn);

/* The account of healthlake.role_arn; NULL if that is not set. */
extern char *hl_account_of_settings(void);

/* The ids in AWS's reply; they point into it. NULL: not in the reply. */
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
