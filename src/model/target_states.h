/*
 * target_states.h
 *	  Target states: the states in which a wait for a data store or a job has
 *	  succeeded, and those in which it can no longer succeed. Everything is
 *	  const.
 */
#ifndef HL_MODEL_TARGET_STATES_H
#define HL_MODEL_TARGET_STATES_H

#include "model/model.h"

/* How a job tells how far it has come, by the SQL names of members. */
typedef struct HlProgress
{
	const char *units;
	const char *done_word;
	const char *total;
	const char *done;
	const char *errors;
} HlProgress;

/* What ends a wait, by the state that is waited for. */
typedef struct HlTargetStates
{
	const HlOperation *operation;
	const char *noun;
	const char *wanted; /* the argument "status"; NULL: there is none */
	const char *const *good;
	const char *const *bad; /* the good ones cannot come any more */
	const HlProgress *progress;
	bool gone_is_good; /* what AWS knew, and no longer knows */
} HlTargetStates;

typedef enum HlTargetVerdict
{
	HL_TARGET_PENDING,
	HL_TARGET_REACHED,
	HL_TARGET_MISSED
} HlTargetVerdict;

/*
 * The goal of a describing operation and, where it has several, of the state
 * that is wanted; NULL: none.
 */
extern const HlTargetStates *hl_target_states_find(const HlOperation *describe,
												   const char *wanted);

/*
 * The goal that a changing operation's "until" stands for, which the goal's
 * own operation asks after; NULL: it has none of that name.
 */
extern const HlTargetStates *
hl_target_states_of_change(const HlOperation *operation, const char *until);

/* What a state means to a goal. */
extern HlTargetVerdict hl_target_states_judge(const HlTargetStates *goal,
											  const char *state);

#endif
