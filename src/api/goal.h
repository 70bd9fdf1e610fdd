/*
 * goal.h
 *	  What a wait is over with: the states in which a data store or a job is
 *	  what was asked for, and those in which it can no longer become that.
 *	  Everything is const.
 */
#ifndef HL_API_GOAL_H
#define HL_API_GOAL_H

#include "api/model.h"

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
typedef struct HlGoal
{
	const HlOperation *operation;
	const char *noun;
	const char *wanted; /* the argument "status"; NULL: there is none */
	const char *const *good;
	const char *const *bad; /* the good ones cannot come any more */
	const HlProgress *progress;
	bool gone_is_good; /* what AWS knew, and no longer knows */
} HlGoal;

typedef enum HlGoalVerdict
{
	HL_GOAL_PENDING,
	HL_GOAL_REACHED,
	HL_GOAL_MISSED
} HlGoalVerdict;

/*
 * The goal of a describing operation and, where it has several, of the state
 * that is wanted; NULL: none.
 */
extern const HlGoal *hl_goal_find(const HlOperation *describe,
								  const char *wanted);

/*
 * The goal that a changing operation's "until" stands for, which the goal's
 * own operation asks after; NULL: it has none of that name.
 */
extern const HlGoal *hl_goal_of_change(const HlOperation *operation,
									   const char *until);

/* What a state means to a goal. */
extern HlGoalVerdict hl_goal_judge(const HlGoal *goal, const char *state);

#endif
