/*
 * model.c
 *	  Lookups in the tables of operations, which are in model_tables.c.
 */
#include "model/fhir_operations.h"
#include "model/model.h"

#include <string.h>

int
hl_operation_total(void)
{
	return hl_operations_count + HL_FHIR_OPERATIONS;
}

int
hl_operation_place(const HlOperation *operation)
{
	return operation->rest
			   ? hl_operations_count + (int) (operation - hl_fhir_operations)
			   : (int) (operation - hl_operations);
}

const HlOperation *
hl_operation_at(int place)
{
	return place < hl_operations_count
			   ? &hl_operations[place]
			   : &hl_fhir_operations[place - hl_operations_count];
}

const HlOperation *
hl_operation_find(const char *name)
{
	for (int i = 0; i < hl_operations_count; i++)
		if (strcmp(hl_operations[i].name, name) == 0)
			return &hl_operations[i];
	return NULL;
}

const char *
hl_operation_kind(const HlOperation *operation)
{
	return operation->kind == NULL ? "read" : operation->kind;
}

const HlMember *
hl_operation_token(const HlOperation *operation)
{
	for (int i = 0; i < operation->input->nmembers; i++)
		if (operation->input->members[i].idempotency_token)
			return &operation->input->members[i];
	return NULL;
}
