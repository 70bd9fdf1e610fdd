/*
 * goal.c
 *	  What a state means to a wait.
 */
#include "postgres.h"

#include "api/goal.h"

/* Finds a goal. */
const HlGoal *
hl_goal_find(const HlOperation *describe, const char *wanted)
{
	for (int i = 0; i < describe->ngoals; i++)
	{
		const HlGoal *goal = &describe->goals[i];

		if (goal->wanted == NULL ||
			(wanted != NULL && strcmp(goal->wanted, wanted) == 0))
			return goal;
	}
	return NULL;
}

/* Finds the goal of a change. */
const HlGoal *
hl_goal_of_change(const HlOperation *operation, const char *until)
{
	if (operation->until == NULL || strcmp(operation->until, until) != 0)
		return NULL;
	return hl_goal_find(operation->describe, until);
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
HlGoalVerdict
hl_goal_judge(const HlGoal *goal, const char *state)
{
	if (has_state(goal->good, state))
		return HL_GOAL_REACHED;
	return has_state(goal->bad, state) ? HL_GOAL_MISSED : HL_GOAL_PENDING;
}
