/*
 * target_states.c
 *	  What a state means to a wait.
 */
#include "postgres.h"

#include "model/target_states.h"

/* Finds a goal. */
const HlTargetStates *
hl_target_states_find(const HlOperation *describe, const char *wanted)
{
	for (int i = 0; i < describe->ngoals; i++)
	{
		const HlTargetStates *goal = &describe->goals[i];

		if (goal->wanted == NULL ||
			(wanted != NULL && strcmp(goal->wanted, wanted) == 0))
			return goal;
	}
	return NULL;
}

/* Finds the goal of a change. */
const HlTargetStates *
hl_target_states_of_change(const HlOperation *operation, const char *until)
{
	if (operation->until == NULL || strcmp(operation->until, until) != 0)
		return NULL;
	return hl_target_states_find(operation->describe, until);
}

/* Whether a list of states has that one. */
static bool
has_state(const char *const *states, const char *state)
{
	for (; *states != NULL; states++)
		if (strcmp(*states, state) == 0)
			return true;
	return false;
}

/* Judges a state. */
HlTargetVerdict
hl_target_states_judge(const HlTargetStates *goal, const char *state)
{
	if (has_state(goal->good, state))
		return HL_TARGET_REACHED;
	return has_state(goal->bad, state) ? HL_TARGET_MISSED : HL_TARGET_PENDING;
}
