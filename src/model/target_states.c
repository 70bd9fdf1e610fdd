/*
 * target_states.c
 *	  Lookups in the tables of target states.
 */
#include "postgres.h"

#include "model/target_states.h"
#include "server/text.h"

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

const HlTargetStates *
hl_target_states_of_change(const HlOperation *operation, const char *until)
{
	if (operation->until == NULL || strcmp(operation->until, until) != 0)
		return NULL;
	return hl_target_states_find(operation->describe, until);
}

HlTargetVerdict
hl_target_states_judge(const HlTargetStates *goal, const char *state)
{
	if (hl_text_is_listed(goal->good, state))
		return HL_TARGET_REACHED;
	return hl_text_is_listed(goal->bad, state) ? HL_TARGET_MISSED
											   : HL_TARGET_PENDING;
}
