/*
 * target_states.h
 *	  Target states: the states in which a wait for a data store or a job has
 *	  succeeded, and those in which it can no longer succeed. Everything is
 *	  const.
 */
#ifndef HL_MODEL_TARGET_STATES_H
#define HL_MODEL_TARGET_STATES_H

#include "model/model.h"

/* The members of a description that show a job's progress, by SQL name. */
typedef struct HlProgress
{
	const char *units;
	const char *done_word;
	const char *total;
	const char *done;
	const char *errors;
} HlProgress;

/* The states that end a wait for a target state. */
typedef struct HlTargetStates
{
	const HlOperation *operation;
	const char *noun;
	const char *wanted; /* of the argument "status"; NULL: no such argument */
	const char *const *good;
	const char *const *bad; /* from these the good ones cannot be reached */
	const HlProgress *progress;
	bool gone_is_good; /* deletion counts as reached */
} HlTargetStates;

typedef enum HlTargetVerdict
{
	HL_TARGET_PENDING,
	HL_TARGET_REACHED,
	HL_TARGET_MISSED
} HlTargetVerdict;

/*
 * The target states of a describing operation; wanted: the argument "status",
 * if it has several. NULL: none.
 */
extern const HlTargetStates *hl_target_states_find(const HlOperation *describe,
												   const char *wanted);

/*
 * The target states that a changing operation's "until" names; they are those
 * of its "describe". NULL: none of that name.
 */
extern const HlTargetStates *
hl_target_states_of_change(const HlOperation *operation, const char *until);

/* Compares a state with the target states. */
extern HlTargetVerdict hl_target_states_judge(const HlTargetStates *goal,
											  const char *state);

#endif
