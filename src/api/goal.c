/*
 * goal.c
 *	  Goals, in a table.
 */
#include "postgres.h"

#include "api/goal.h"

static const HlProgress import_progress = {
	"resources", "imported", "total_number_of_resources_scanned",
	"total_number_of_resources_imported",
	"total_number_of_resources_with_customer_error"};
static const HlProgress transformation_progress = {
	"files", "converted", "total_files_scanned", "total_files_converted",
	"total_files_failed"};

static const char *const active[] = {"ACTIVE", NULL};
static const char *const never_active[] = {"CREATE_FAILED", "UPDATE_FAILED",
										   "DELETING", "DELETED", NULL};
static const char *const deleted[] = {"DELETED", NULL};
static const char *const nothing[] = {NULL};
static const char *const completed[] = {"COMPLETED", "COMPLETED_WITH_ERRORS",
										NULL};
static const char *const not_completed[] = {"FAILED", "CANCEL_COMPLETED",
											"CANCEL_FAILED", NULL};

static const HlGoal goals[] = {
	{"DescribeFHIRDatastore", "data store", "ACTIVE", active, never_active},
	{"DescribeFHIRDatastore", "data store", "DELETED", deleted, nothing,
	 .gone_is_good = true},
	{"DescribeFHIRImportJob", "import job", NULL, completed, not_completed,
	 .progress = &import_progress},
	{"DescribeFHIRExportJob", "export job", NULL, completed, not_completed},
	{"DescribeDataTransformationJob", "transformation job", NULL, completed,
	 not_completed, .progress = &transformation_progress},
};

/* What an operation leads to, by the operation that tells of it. */
static const struct
{
	const char *operation;
	const char *describe;
	const char *until;
} changes[] = {
	{"CreateFHIRDatastore", "DescribeFHIRDatastore", "ACTIVE"},
	{"RestoreFHIRDatastore", "DescribeFHIRDatastore", "ACTIVE"},
	{"UpdateFHIRDatastore", "DescribeFHIRDatastore", "ACTIVE"},
	{"DeleteFHIRDatastore", "DescribeFHIRDatastore", "DELETED"},
	{"StartFHIRImportJob", "DescribeFHIRImportJob", "COMPLETED"},
	{"StartFHIRExportJob", "DescribeFHIRExportJob", "COMPLETED"},
	{"StartDataTransformationJob", "DescribeDataTransformationJob",
	 "COMPLETED"},
};

/* Finds a goal. */
const HlGoal *
hl_goal_find(const char *describe, const char *wanted)
{
	for (size_t i = 0; i < lengthof(goals); i++)
		if (strcmp(goals[i].operation, describe) == 0 &&
			(goals[i].wanted == NULL ||
			 (wanted != NULL && strcmp(goals[i].wanted, wanted) == 0)))
			return &goals[i];
	return NULL;
}

/* Finds the goal of a change. */
const HlGoal *
hl_goal_of_change(const HlOperation *operation, const char *until)
{
	for (size_t i = 0; i < lengthof(changes); i++)
		if (strcmp(changes[i].operation, operation->name) == 0 &&
			strcmp(changes[i].until, until) == 0)
			return hl_goal_find(changes[i].describe, until);
	return NULL;
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
