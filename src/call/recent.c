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

/* Strings in UTF-8. */
typedef struct Place
{
	Oid database; /* InvalidOid: free */
	Oid outer_user;
	Oid current_user;
	uint64 name;      /* a hash */
	uint64 address;   /* the same */
	char account[13]; /* "": not known */
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

static uint64
hash_text(const char *text)
{
	return hash_bytes_extended((const unsigned char *) text, (int) strlen(text),
							   0);
}

/* Notes what identifies a name at the address of a call. */
static void
take_key(Place *place, const HlCall *call, const char *name)
{
	char *account = hl_account_of_settings();

	place->name = hash_text(name);
	place->address =
		hash_text(psprintf("%s %s", call->region, hl_target_url(call)));
	if (account != NULL)
		strlcpy(place->account, account, sizeof(place->account));
}

/* Whether two have the same name at the same address, maybe in one account. */
static bool
may_be_same(const Place *place, const Place *other)
{
	return place->name == other->name && place->address == other->address &&
		   (place->account[0] == '\0' || other->account[0] == '\0' ||
			strcmp(place->account, other->account) == 0);
}

static bool
has_token(const Place *place, const char *client_token)
{
	return place->database == MyDatabaseId &&
		   strcmp(place->client_token, client_token) == 0;
}

/* The place of an earlier request with that token; NULL if there is none. */
static Place *
find_earlier(const Place *made)
{
	for (int i = 0; i < PLACES; i++)
		if (has_token(&recent->places[i], made->client_token) &&
			may_be_same(&recent->places[i], made))
			return &recent->places[i];
	return NULL;
}

/* The place of a request that was sent; NULL if others have taken it. */
static Place *
find_sent(const HlRequest *request)
{
	uint64 name = hash_text(request->name);
	Place *found = NULL;

	for (int i = 0; i < PLACES; i++)
	{
		Place *place = &recent->places[i];

		if (has_token(place, request->client_token) && place->name == name &&
			(found == NULL || place->at > found->at))
			found = place;
	}
	return found;
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
	take_key(&made, call, request->name);
	strlcpy(made.client_token, request->client_token,
			sizeof(made.client_token));
	lock_recent();
	place = find_earlier(&made);
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
hl_recent_end(const HlRequest *request, const HlReply *reply)
{
	bool done = reply->outcome == HL_OUTCOME_SUCCESS;
	bool deletes =
		done && strcmp(hl_operation_kind(request->operation), "delete") == 0;
	const char *id;
	Place *place;

	if (!deletes && !is_noted(request))
		return;
	id = done ? hl_request_id(request, reply->document) : NULL;
	if (deletes && (id == NULL || *id == '\0'))
		return;
	lock_recent();
	if (deletes)
		forget(id);
	else if ((place = find_sent(request)) != NULL)
		end_creation(place, reply, id);
	unlock_recent();
}

/* What is told of a creation to the role that acts. */
static HlCreation *
make_creation(const Place *place, const HlRequest *request, bool sees_all)
{
	bool mine = sees_all || place->outer_user == GetUserId() ||
				place->current_user == GetUserId();
	const char *id =
		place->id[0] == '\0' ? NULL : hl_text_from_utf8(pstrdup(place->id));
	HlCreation *creation =
		hl_creations_make(id, hl_text_from_utf8(pstrdup(place->client_token)),
						  mine, hl_text_from_utf8(request->client_token));

	creation->since = place->at;
	return creation;
}

List *
hl_recent_add(List *creations, const HlRequest *request, const HlCall *call,
			  const char *name)
{
	Recent *copy = palloc(sizeof(Recent));
	bool sees_all = hl_account_sees_all(hl_store_need());
	TimestampTz since = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
													-HL_CREATIONS_RECENT);
	Place sought = {0};

	take_key(&sought, call, name);
	lock_recent();
	memcpy(copy, recent, sizeof(Recent));
	unlock_recent();
	for (int i = 0; i < PLACES; i++)
	{
		const Place *place = &copy->places[i];

		if (place->database == MyDatabaseId && place->at >= since &&
			may_be_same(place, &sought))
			creations =
				lappend(creations, make_creation(place, request, sees_all));
	}
	pfree(copy);
	return creations;
}
