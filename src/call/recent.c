/*
 * recent.c
 *	  The last creations of data stores.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/timestamp.h"

#include "audit/account.h"
#include "call/recent.h"
#include "engine/target.h"
#include "server/shared.h"
#include "server/text.h"

/* How many are kept. */
#define PLACES 64

/* So long ago a creation is recent, in milliseconds. */
#define RECENT (60 * 60 * 1000)

/* Strings in UTF-8. */
typedef struct Place
{
	Oid database; /* InvalidOid: free */
	Oid outer_user;
	Oid current_user;
	uint64 key[2]; /* of name and address */
	TimestampTz at;
	bool repeated; /* an earlier request with this token may have run */
	char client_token[129];
	char id[65]; /* "": not known */
} Place;

typedef struct Recent
{
	HlShared shared;
	Place places[PLACES];
} Recent;

static Recent of_session;
static Recent *recent = &of_session;
static shmem_startup_hook_type next_startup = NULL;

/* Called again when the server restarts after a crash. */
static void
recent_startup(void)
{
	if (next_startup != NULL)
		next_startup();
	recent = hl_shared_attach("healthlake recent creations", sizeof(Recent));
}

void
hl_recent_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	hl_shared_request(sizeof(Recent));
	next_startup = shmem_startup_hook;
	shmem_startup_hook = recent_startup;
}

static void
lock_recent(void)
{
	if (recent != &of_session)
		LWLockAcquire(&recent->shared.lock, LW_EXCLUSIVE);
}

static void
unlock_recent(void)
{
	if (recent != &of_session)
		LWLockRelease(&recent->shared.lock);
}

/* Whether it is a creation whose result AWS's list may lack. */
static bool
is_noted(const HlRequest *request)
{
	return strcmp(hl_operation_kind(request->operation), "create") == 0 &&
		   request->client_token != NULL && request->name != NULL;
}

/* Identifies a name at the address of a call. */
static void
make_key(uint64 key[2], const HlCall *call, const char *name)
{
	char *text = psprintf("%s %s %s", call->region, hl_target_url(call), name);

	for (int i = 0; i < 2; i++)
		key[i] = hash_bytes_extended((const unsigned char *) text,
									 (int) strlen(text), (uint64) i + 1);
	pfree(text);
}

/* The place of a token in this database; NULL if there is none. */
static Place *
find_token(const char *client_token)
{
	for (int i = 0; i < PLACES; i++)
		if (recent->places[i].database == MyDatabaseId &&
			strcmp(recent->places[i].client_token, client_token) == 0)
			return &recent->places[i];
	return NULL;
}

/* A free place, or else the oldest one. */
static Place *
find_place(void)
{
	Place *place = &recent->places[0];

	for (int i = 0; i < PLACES && OidIsValid(place->database); i++)
		if (!OidIsValid(recent->places[i].database) ||
			recent->places[i].at < place->at)
			place = &recent->places[i];
	return place;
}

void
hl_recent_begin(const HlRequest *request, const HlCall *call)
{
	Place made = {.database = MyDatabaseId,
				  .outer_user = GetOuterUserId(),
				  .current_user = GetUserId(),
				  .at = GetCurrentTimestamp()};
	Place *place;

	if (!is_noted(request) ||
		strlen(request->client_token) >= sizeof(made.client_token))
		return;
	make_key(made.key, call, request->name);
	strlcpy(made.client_token, request->client_token,
			sizeof(made.client_token));
	lock_recent();
	place = find_token(made.client_token);
	if (place != NULL)
	{
		made.repeated = true;
		strlcpy(made.id, place->id, sizeof(made.id));
	}
	else
		place = find_place();
	*place = made;
	unlock_recent();
}

/* Notes the outcome of a creation. */
static void
end_creation(Place *place, const HlReply *reply, const char *id)
{
	bool done = reply->outcome == HL_OUTCOME_SUCCESS;

	if (done && id != NULL)
		strlcpy(place->id, id, sizeof(place->id));
	else if (!done && !reply->may_have_run && !place->repeated)
		*place = (Place){0};
}

/* Forgets what was deleted. */
static void
forget(const char *id)
{
	for (int i = 0; i < PLACES; i++)
		if (strcmp(recent->places[i].id, id) == 0)
			recent->places[i] = (Place){0};
}

void
hl_recent_end(const HlRequest *request, const HlReply *reply, const char *id)
{
	bool deletes =
		strcmp(hl_operation_kind(request->operation), "delete") == 0 &&
		reply->outcome == HL_OUTCOME_SUCCESS && id != NULL && *id != '\0';
	Place *place;

	if (!deletes && !is_noted(request))
		return;
	lock_recent();
	if (deletes)
		forget(id);
	else if ((place = find_token(request->client_token)) != NULL)
		end_creation(place, reply, id);
	unlock_recent();
}

/* What is told of a creation to the role that acts. */
static HlCreation *
make_creation(const Place *place, const HlRequest *request, bool sees_all)
{
	HlCreation *creation = palloc0(sizeof(HlCreation));

	creation->id =
		place->id[0] == '\0' ? NULL : hl_text_from_utf8(pstrdup(place->id));
	creation->since = place->at;
	creation->mine = sees_all || place->outer_user == GetUserId() ||
					 place->current_user == GetUserId();
	creation->same = strcmp(place->client_token, request->client_token) == 0;
	if (creation->mine)
		creation->client_token =
			hl_text_from_utf8(pstrdup(place->client_token));
	return creation;
}

List *
hl_recent_add(List *creations, const HlRequest *request, const HlCall *call,
			  const char *name)
{
	Recent *copy = palloc(sizeof(Recent));
	bool sees_all = hl_account_sees_all(hl_store_need());
	TimestampTz since =
		TimestampTzPlusMilliseconds(GetCurrentTimestamp(), -RECENT);
	uint64 key[2];

	make_key(key, call, name);
	lock_recent();
	memcpy(copy, recent, sizeof(Recent));
	unlock_recent();
	for (int i = 0; i < PLACES; i++)
	{
		const Place *place = &copy->places[i];

		if (place->database == MyDatabaseId && place->at >= since &&
			memcmp(place->key, key, sizeof(key)) == 0)
			creations =
				lappend(creations, make_creation(place, request, sees_all));
	}
	pfree(copy);
	return creations;
}
